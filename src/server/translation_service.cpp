#include "server/translation_service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <variant>

#include "config/config_reader.h"
#include "server/request_error.h"
#include "support/error.h"
#include "support/json.h"
#include "support/logging.h"
#include "support/suggestion.h"

namespace wavemt {
namespace {

// A key of the config's section "decoding" that a request may give.
struct RequestKey {
  const char* name;
  std::string (*value)(const DecodingConfig& decoding);
};

// Everything in which the requests to one model can differ: lines are translated together if all of
// these values are equal.
constexpr RequestKey kRequestKeys[] = {
    {"beam_size", [](const auto& d) { return fmt::to_string(d.beam_size); }},
    {"n_best", [](const auto& d) { return fmt::to_string(d.n_best); }},
    {"length_penalty", [](const auto& d) { return fmt::to_string(d.length_penalty); }},
    {"coverage_penalty", [](const auto& d) { return fmt::to_string(d.coverage_penalty); }},
    {"min_output_ratio", [](const auto& d) { return fmt::to_string(d.min_output_ratio); }},
    {"max_output_ratio", [](const auto& d) { return fmt::to_string(d.max_output_ratio); }},
    {"no_repeat_ngram_size", [](const auto& d) { return fmt::to_string(d.no_repeat_ngram_size); }},
    {"sampling", [](const auto& d) { return fmt::to_string(d.sampling); }},
    {"temperature", [](const auto& d) { return fmt::to_string(d.temperature); }},
    {"top_k", [](const auto& d) { return fmt::to_string(d.top_k); }},
    {"top_p", [](const auto& d) { return fmt::to_string(d.top_p); }},
    {"seed", [](const auto& d) { return fmt::to_string(d.seed); }},
};

std::string BatchKey(const LanguagePair& languages, const DecodingConfig& decoding) {
  std::string key = languages.Text();
  for (const RequestKey& part : kRequestKeys) key += fmt::format(" {}", part.value(decoding));
  return key;
}

void RequireRequestKeys(const Json& decoding) {
  std::vector<std::string> names;
  for (const RequestKey& key : kRequestKeys) names.emplace_back(key.name);
  for (const auto& item : decoding.items()) {
    if (std::ranges::find(names, item.key()) == names.end()) {
      throw UsageError("decoding: {}: a request cannot set this{}; it can set {}",
                       QuoteJson(item.key()), DidYouMean(item.key().substr(0, 64), names),
                       fmt::join(names, ", "));
    }
  }
}

std::string Texts(const std::vector<LanguagePair>& languages) {
  std::vector<std::string> texts;
  for (const LanguagePair& pair : languages) texts.push_back(pair.Text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

// What a client is told about an exception of the translator. The request was checked before, so it
// is not the client's mistake.
RequestError TranslationFailure() {
  try {
    throw;
  } catch (const std::exception& error) {
    const std::string what = error.what();
    spdlog::error("a translation failed: {}", what.substr(0, what.find('\n')));
  } catch (...) {
    spdlog::error("a translation failed");
  }
  return {Refusal::kFailed, "the translation failed; the server's log says why"};
}

}  // namespace

bool RunningTranslation::AwaitLines(BatchQueue::Clock::time_point until) {
  const size_t before = lines_.size();
  BatchQueue::Arrival arrival{};
  try {
    arrival = ticket_->Next(until, &lines_);
  } catch (...) {
    throw TranslationFailure();
  }
  switch (arrival) {
    case BatchQueue::Arrival::kLines:
      metrics_->CountLines(languages_, lines_.size() - before);
      return true;
    case BatchQueue::Arrival::kNothing:
      return false;
    case BatchQueue::Arrival::kExpired:
      throw Refuse(Refusal::kTimeOut,
                   "the translation took too long; try a shorter text, or later");
    case BatchQueue::Arrival::kDone:
      break;
  }
  throw Refuse(Refusal::kFailed, "lines of the translation are missing");
}

std::optional<TextTranslation> RunningTranslation::Next(BatchQueue::Clock::time_point until) {
  const std::vector<std::string>& breaks = breaks_.at(num_done_);
  const size_t num_lines = breaks.size() + 1;
  while (lines_.size() < num_lines) {
    if (!AwaitLines(until)) return std::nullopt;
  }
  TextTranslation text = JoinLines(std::span(lines_).first(num_lines), breaks);
  lines_.erase(lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(num_lines));
  ++num_done_;
  return text;
}

TranslationService::TranslationService(std::vector<ServedModel> models, const ServiceLimits& limits,
                                       ServerMetrics* metrics)
    : models_(std::move(models)),
      limits_(limits),
      metrics_(metrics),
      queue_({.max_batch_lines = limits.max_batch_lines,
              .max_batch_bytes = limits.max_line_bytes,
              .max_waiting_lines = limits.max_queue_lines,
              .on_batch = [metrics](size_t lines) { metrics->ObserveBatch(lines); }}) {
  for (const ServedModel& model : models_) languages_.push_back(model.languages);
}

const ServedModel& TranslationService::ModelFor(const TranslationRequest& request) const {
  const ServedModel* found = nullptr;
  std::vector<LanguagePair> fitting;
  for (const ServedModel& model : models_) {
    const auto& [source, target] = model.languages;
    if (request.source && !IsSameLanguage(*request.source, source)) continue;
    if (request.target && !IsSameLanguage(*request.target, target)) continue;
    fitting.push_back(model.languages);
    found = &model;
  }
  if (fitting.size() == 1) return *found;
  if (fitting.empty()) {
    const auto quoted = [](const std::optional<std::string>& code) {
      return code ? QuoteJson(*code) : "any language";
    };
    throw UsageError("no model translates from {} to {}; there is {}", quoted(request.source),
                     quoted(request.target), Texts(languages_));
  }
  throw UsageError(
      "{}: the language is not detected, and several models fit: {}; name source and target",
      request.is_auto ? "source: \"auto\"" : "source and target", Texts(fitting));
}

DecodingConfig TranslationService::DecodingFor(const ServedModel& model,
                                               const TranslationRequest& request) const {
  Json given = request.decoding;
  const DecodingConfig& usual = model.config.decoding;
  const int64_t largest = std::max<int64_t>(static_cast<int64_t>(limits_.max_beam_size),
                                            std::max(usual.beam_size, usual.n_best));
  if (request.alternatives) {
    if (*request.alternatives >= largest) {
      throw UsageError("alternatives: {} are too many; this server gives at most {}",
                       *request.alternatives, largest - 1);
    }
    const int64_t n_best = *request.alternatives + 1;
    given["n_best"] = n_best;
    if (usual.beam_size < n_best) given["beam_size"] = n_best;
  }
  if (given.empty()) return usual;
  RequireRequestKeys(given);
  const Json document = {{"decoding", std::move(given)}};
  const DecodingConfig decoding =
      ReadConfig(JsonLine(document), "request", /*overrides=*/{},
                 {.defaults = model.config, .may_lack_training_text = true})
          .decoding;
  constexpr double kMostRatio = 10;  // A search for longer ones holds up all others.
  if (decoding.min_output_ratio > kMostRatio || decoding.max_output_ratio > kMostRatio) {
    throw UsageError("request: decoding: min_output_ratio and max_output_ratio can be at most {}",
                     kMostRatio);
  }
  if (decoding.beam_size > largest) {
    throw UsageError(
        "request: decoding.beam_size: {} is not possible: this server takes at most {}",
        decoding.beam_size, largest);
  }
  if (decoding.n_best > largest) {
    throw UsageError("request: decoding.n_best: {} is not possible: this server takes at most {}",
                     decoding.n_best, largest);
  }
  return decoding;
}

std::unique_ptr<RunningTranslation> TranslationService::Start(
    const TranslationRequest& request, BatchQueue::Clock::time_point deadline) {
  const ServedModel& model = ModelFor(request);
  const DecodingConfig decoding = DecodingFor(model, request);
  std::unique_ptr<RunningTranslation> running(new RunningTranslation());
  running->languages_ = model.languages;
  running->has_alternatives_ = decoding.n_best > 1;
  running->metrics_ = metrics_;
  BatchQueue::Job job{.lines = {},
                      .key = BatchKey(model.languages, decoding),
                      .translate =
                          [&model, decoding](std::span<const std::string> lines,
                                             const std::function<bool()>& stop_requested) {
                            return model.translator.Translate(
                                {.lines = lines, .progress = {}, .stop_requested = stop_requested},
                                decoding);
                          },
                      .deadline = deadline};
  for (const std::string& text : request.texts) {
    TextLines split = SplitIntoLines(text);
    for (std::string& line : split.lines) {
      if (line.size() > limits_.max_line_bytes) {
        throw Refuse(Refusal::kTooLarge,
                     "a line of {} bytes is too long; divide it into lines of at most {}",
                     line.size(), limits_.max_line_bytes);
      }
      job.lines.push_back(std::move(line));
    }
    running->breaks_.push_back(std::move(split.breaks));
    if (job.lines.size() > limits_.max_lines) {
      throw Refuse(Refusal::kTooLarge,
                   "more than {} lines are too many for one request; send them in several",
                   limits_.max_lines);
    }
  }
  auto submitted = queue_.Submit(std::move(job));
  if (const auto* refused = std::get_if<BatchQueue::Refused>(&submitted)) {
    if (*refused == BatchQueue::Refused::kStopping) {
      throw Refuse(Refusal::kStopping, "the server is stopping");
    }
    throw Refuse(Refusal::kQueueFull, "too many lines are waiting; try again in a moment");
  }
  running->ticket_ = std::move(std::get<std::unique_ptr<BatchQueue::Ticket>>(submitted));
  return running;
}

}  // namespace wavemt
