#include "server/http_exchange.h"

#include <exception>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "server/access.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

constexpr const char* kJson = "application/json";
constexpr size_t kMostFields = 64;  // Of a form in parts.

std::vector<std::string> HeaderValues(const httplib::Request& request, const char* name) {
  std::vector<std::string> values;
  const auto [begin, end] = request.headers.equal_range(name);
  for (auto header = begin; header != end; ++header) values.push_back(header->second);
  return values;
}

std::optional<std::string> HeaderOf(const httplib::Request& request, const char* name) {
  if (!request.has_header(name)) return std::nullopt;
  return request.get_header_value(name);
}

}  // namespace

void Send(Exchange& exchange, int status, std::string body, const char* type) {
  httplib::Response& response = exchange.response;
  response.status = status;
  const bool has_ranges = exchange.request.has_header("Range");
  if (!exchange.must_close && !has_ranges) {
    response.set_content(body, type);
    return;
  }
  if (exchange.must_close) response.set_header("Connection", "close");
  // The library cuts contents to the ranges that were asked for, but not those that come in chunks.
  // After a provider that returns false, it closes the connection.
  const bool goes_on = !exchange.must_close;
  const auto size = body.size();
  const auto send = [body = std::move(body), goes_on](httplib::DataSink& sink) {
    return sink.write(body.data(), body.size()) && goes_on;
  };
  if (has_ranges) {
    response.set_chunked_content_provider(type, [send](size_t, httplib::DataSink& sink) {
      const bool sent = send(sink);
      sink.done();
      return sent;
    });
  } else {
    response.set_content_provider(
        size, type, [send](size_t, size_t, httplib::DataSink& sink) { return send(sink); });
  }
}

void SendJson(Exchange& exchange, const Json& json, int status) {
  Send(exchange, status, CompactJson(json) + "\n", kJson);
}

RequestError CurrentError() {
  try {
    throw;
  } catch (const RequestError& error) {
    return error;
  } catch (const Error& error) {
    if (error.kind() == Error::Kind::kUsage) return {Refusal::kInvalid, error.what()};
    spdlog::error("{}", error.what());
  } catch (const std::bad_alloc&) {
    spdlog::error("a request failed: out of memory");
  } catch (const std::exception& error) {
    spdlog::error("a request failed: {}", error.what());
  } catch (...) {
    spdlog::error("a request failed");
  }
  return {Refusal::kFailed, "the server failed; its log says why"};
}

RequestHead HeadOf(const httplib::Request& request) {
  return {.method = request.method,
          .path = request.path,
          .host = HeaderOf(request, "Host"),
          .origin = HeaderOf(request, "Origin"),
          .content_lengths = HeaderValues(request, "Content-Length"),
          .transfer_encodings = HeaderValues(request, "Transfer-Encoding"),
          .is_multipart = request.is_multipart_form_data(),
          .is_compressed = request.has_header("Content-Encoding")};
}

void ReadBody(Exchange& exchange, const httplib::ContentReader& reader,
              std::chrono::steady_clock::time_point deadline, BodyMeter* meter, HttpBody* body) {
  exchange.must_close = true;
  const std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  bool is_whole = false;
  if (exchange.request.is_multipart_form_data()) {
    is_whole = reader(
        [&](const auto& part) {
          body->form.emplace_back(part.name, "");
          return body->form.size() <= kMostFields && meter->Take(part.name, &body->text);
        },
        [&](const char* data, size_t size) {
          return !body->form.empty() && meter->Take({data, size}, &body->form.back().second);
        });
    body->text.clear();
  } else {
    is_whole = reader([&](const char* data, size_t size) {
      return meter->Take({data, size}, &body->text);
    });
  }
  exchange.must_close = !is_whole;
  meter->Check();
  if (is_whole) return;
  const std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
  if (now >= deadline || now - begin >= kReadTimeout) {
    throw Refuse(Refusal::kSlow, "the body stopped before its end");
  }
  throw Refuse(Refusal::kInvalid,
               "the body ended too early, or is encoded in a way that is not known");
}

Json LibreTranslateBody(const Exchange& exchange, const HttpBody& body) {
  if (exchange.request.is_multipart_form_data()) return LibreTranslateFields(body.form);
  const std::string type = exchange.request.get_header_value("Content-Type");
  // curl names this type for everything that it is given with --data.
  const bool is_json = body.text.starts_with('{');
  if (type.starts_with("application/x-www-form-urlencoded") && !is_json) {
    return LibreTranslateFields(ParseForm(body.text));
  }
  return ParseBody(body.text);
}

void RequireToken(const ServerOptions& options, const Exchange& exchange,
                  std::string_view api_key) {
  if (options.token.empty()) return;
  const std::string authorization = exchange.request.get_header_value("Authorization");
  if (IsToken(BearerToken(authorization), options.token) || IsToken(api_key, options.token)) {
    return;
  }
  throw Refuse(Refusal::kToken,
               "this server wants its token: Authorization: Bearer TOKEN, or api_key in a request "
               "of LibreTranslate");
}

}  // namespace wavemt
