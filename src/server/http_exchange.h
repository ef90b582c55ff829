#pragma once

#include <httplib.h>

#include <chrono>
#include <string>
#include <string_view>

#include "server/body_meter.h"
#include "server/request_error.h"
#include "server/request_head.h"
#include "server/requests.h"
#include "server/server_options.h"
#include "support/json.h"

// What the server's handlers do with the library's requests and answers. Only http_*
// see the library.

namespace wavemt {

/// How long the client may be silent in the middle of a request.
inline constexpr std::chrono::seconds kReadTimeout{10};

/// A request and its answer.
struct Exchange {
  const httplib::Request& request;
  httplib::Response& response;
  // Some of the body has not been read: it must not become the next request.
  bool must_close = false;
};

/// Sets the whole answer.
void Send(Exchange& exchange, int status, std::string body, const char* type);
void SendJson(Exchange& exchange, const Json& json, int status = 200);

/// The exception that is being handled, as the client is told. Logs what is our own fault.
RequestError CurrentError();

RequestHead HeadOf(const httplib::Request& request);

/// The body of a POST: JSON, or a form.
struct HttpBody {
  std::string text;
  FormFields form{};  // Of a body in parts.
};

/// Reads the body to its end, and throws a RequestError if it cannot be used.
void ReadBody(Exchange& exchange, const httplib::ContentReader& reader,
              std::chrono::steady_clock::time_point deadline, BodyMeter* meter, HttpBody* body);

/// The fields of a LibreTranslate request, which may be JSON or one of two kinds of forms.
Json LibreTranslateBody(const Exchange& exchange, const HttpBody& body);

/// Throws a RequestError if the server has a token and neither the header Authorization nor
/// `api_key` holds it.
void RequireToken(const ServerOptions& options, const Exchange& exchange, std::string_view api_key);

}  // namespace wavemt
