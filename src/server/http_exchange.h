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

/// A request and its answer.
struct Exchange {
  const httplib::Request& request;
  httplib::Response& response;
};

/// Sets the whole answer.
void Send(Exchange& exchange, int status, const std::string& body, const char* type);
void SendJson(Exchange& exchange, const Json& json, int status = 200);

/// The exception that is being handled, as the client is told. Logs what is our own fault.
RequestError CurrentError();

RequestHead HeadOf(const httplib::Request& request);

/// Reads the body of a POST to its end, and throws a RequestError if it cannot be used.
std::string ReadBody(const httplib::ContentReader& reader,
                     std::chrono::steady_clock::time_point deadline, BodyMeter* meter);

/// The fields of a LibreTranslate request, which may be JSON or a form.
Json LibreTranslateBody(const Exchange& exchange, const std::string& body);

/// Throws a RequestError if the server has a token and neither the header Authorization nor
/// `api_key` holds it.
void RequireToken(const ServerOptions& options, const Exchange& exchange, std::string_view api_key);

}  // namespace wavemt
