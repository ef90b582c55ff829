#include "server/http_exchange.h"

#include <cstdlib>
#include <exception>
#include <new>
#include <optional>

#include "server/access.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

constexpr const char* kJson = "application/json";

std::optional<std::string> HeaderOf(const httplib::Request& request, const char* name) {
  if (!request.has_header(name)) return std::nullopt;
  return request.get_header_value(name);
}

}  // namespace

void Send(Exchange& exchange, int status, const std::string& body, const char* type) {
  httplib::Response& response = exchange.response;
  response.status = status;
  response.set_content(body, type);
}

void SendJson(Exchange& exchange, const Json& json, int status) {
  Send(exchange, status, JsonLine(json) + "\n", kJson);
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
  RequestHead head{.method = request.method,
                   .path = request.path,
                   .host = HeaderOf(request, "Host"),
                   .origin = HeaderOf(request, "Origin"),
                   .is_chunked = request.has_header("Transfer-Encoding"),
                   .is_multipart = request.is_multipart_form_data()};
  // ParseRawHead() has seen that it is a number.
  if (const auto length = HeaderOf(request, "Content-Length")) {
    head.content_length = std::strtoull(length->c_str(), nullptr, 10);
  }
  return head;
}

std::string ReadBody(const httplib::ContentReader& reader,
                     std::chrono::steady_clock::time_point deadline, BodyMeter* meter) {
  std::string body;
  const bool is_whole = reader([&](const char* data, size_t size) {
    return meter->Take({data, size}, &body);
  });
  meter->Check();
  if (is_whole) return body;
  if (std::chrono::steady_clock::now() >= deadline) {
    throw Refuse(Refusal::kSlow, "the body took too long to arrive");
  }
  throw Refuse(Refusal::kSlow, "the body stopped before its end");
}

Json LibreTranslateBody(const Exchange& exchange, const std::string& body) {
  const std::string type = exchange.request.get_header_value("Content-Type");
  // curl names this type for everything that it is given with --data.
  const bool is_json = body.starts_with('{');
  if (type.starts_with("application/x-www-form-urlencoded") && !is_json) {
    return LibreTranslateFields(ParseForm(body));
  }
  return ParseBody(body);
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
