#include "server/http_translations.h"

#include <optional>
#include <string>
#include <utility>

#include "server/request_error.h"
#include "server/request_head.h"
#include "support/json.h"

namespace wavemt {
namespace {

constexpr size_t kMostBodies = 64;  // Of the largest size, in memory at once.

}  // namespace

BodyMeter HttpTranslations::MeterUntil(Clock::time_point deadline) {
  return BodyMeter({.max_bytes = options_.max_body_bytes,
                    .max_dropped_bytes = kMostDroppedBytes,
                    .deadline = deadline,
                    .held = &held_bytes_,
                    .max_held = kMostBodies * options_.max_body_bytes});
}

void HttpTranslations::Translate(Exchange& exchange, const httplib::ContentReader& reader) {
  RequireToken(options_, exchange, "");  // Before a body takes room.
  const Clock::time_point arrival = Clock::now();
  const Clock::time_point deadline = arrival + options_.limits.max_seconds;
  std::shared_ptr<RunningTranslation> running;
  bool is_stream = false;
  ShownParts shown;
  {
    BodyMeter meter = MeterUntil(deadline);
    const std::string body = ReadBody(reader, deadline, &meter);
    const std::scoped_lock lock(parsing_);
    const TranslationRequest request = ParseTranslationRequest(ParseBody(body));
    is_stream = request.stream;
    running = service_->Start(request, deadline);
    shown = {.alternatives = running->has_alternatives(), .scores = request.scores};
  }
  if (is_stream) {
    Stream(exchange, std::move(running), shown, arrival);
    return;
  }
  const std::vector<TextTranslation> texts = Collect(running.get(), deadline);
  SendJson(exchange, TranslationAnswer(texts, shown));
  Finished(arrival);
}

void HttpTranslations::TranslateForLibreTranslate(Exchange& exchange,
                                                  const httplib::ContentReader& reader) {
  const Clock::time_point arrival = Clock::now();
  const Clock::time_point deadline = arrival + options_.limits.max_seconds;
  TranslationRequest request;
  {
    BodyMeter meter = MeterUntil(deadline);
    const std::string body = ReadBody(reader, deadline, &meter);
    const std::scoped_lock lock(parsing_);
    const Json fields = LibreTranslateBody(exchange, body);
    RequireToken(options_, exchange, ApiKeyOf(fields));
    request = ParseLibreTranslateRequest(fields);
  }
  const std::unique_ptr<RunningTranslation> running = service_->Start(request, deadline);
  const std::vector<TextTranslation> texts = Collect(running.get(), deadline);
  SendJson(exchange, LibreTranslateAnswer(request, running->languages(), texts));
  Finished(arrival);
}

std::vector<TextTranslation> HttpTranslations::Collect(RunningTranslation* running,
                                                       Clock::time_point deadline) {
  std::vector<TextTranslation> texts;
  while (!running->is_done()) {
    // Past the deadline, Next() throws.
    if (auto text = running->Next(deadline)) texts.push_back(std::move(*text));
  }
  return texts;
}

void HttpTranslations::Stream(Exchange& exchange, std::shared_ptr<RunningTranslation> running,
                              ShownParts shown, Clock::time_point arrival) {
  exchange.response.status = 200;
  // Everything is sent in one call, because the library makes no further one once it is stopped.
  exchange.response.set_chunked_content_provider(
      "application/x-ndjson",
      [this, running = std::move(running), shown, arrival](size_t, httplib::DataSink& sink) {
        try {
          if (!WriteTexts(running.get(), shown, sink)) return false;
          sink.done();
          Finished(arrival);
          return true;
        } catch (...) {
          return false;  // Nothing catches what a provider throws.
        }
      });
}

bool HttpTranslations::WriteTexts(RunningTranslation* running, ShownParts shown,
                                  httplib::DataSink& sink) {
  // Then we look whether the client is still there.
  constexpr std::chrono::milliseconds kPatience{200};
  const auto write = [&](const Json& json) {
    const std::string line = JsonLine(json) + "\n";
    return sink.write(line.data(), line.size());
  };
  try {
    for (size_t index = 0; !running->is_done();) {
      const std::optional<TextTranslation> text = running->Next(Clock::now() + kPatience);
      if (!sink.is_writable()) return false;
      if (!text) continue;
      Json json = {{"index", index++}};
      json.update(TextAnswer(*text, shown));
      if (!write(json)) return false;
    }
    return true;
  } catch (...) {
    const RequestError error = CurrentError();
    metrics_->CountRefusal(error.refusal());
    return write(ErrorAnswer(error.what()));
  }
}

void HttpTranslations::Finished(Clock::time_point arrival) {
  metrics_->ObserveSeconds(std::chrono::duration<double>(Clock::now() - arrival).count());
}

void HttpTranslations::ListLanguages(Exchange& exchange, const httplib::ContentReader& reader) {
  const Clock::time_point deadline = Clock::now() + options_.limits.max_seconds;
  BodyMeter meter = MeterUntil(deadline);
  const RequestHead head = HeadOf(exchange.request);
  if (head.is_chunked || head.content_length.value_or(0) > 0) ReadBody(reader, deadline, &meter);
  SendJson(exchange, LanguagesAnswer(service_->languages()));
}

}  // namespace wavemt
