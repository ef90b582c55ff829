#include "server/http_routes.h"

#include <fmt/format.h>

#include "server/page.h"
#include "server/request_head.h"
#include "server/requests.h"
#include "support/json.h"

namespace wavemt {

HttpRoutes::HttpRoutes(const Parts& parts)
    : parts_(parts), translations_(parts.options, parts.service, parts.metrics) {}

template <typename Work>
void HttpRoutes::Answer(const httplib::Request& request, httplib::Response& response, Work work) {
  Exchange exchange{.request = request, .response = response};
  try {
    work(exchange);
  } catch (...) {
    SendError(exchange, CurrentError());
  }
}

void HttpRoutes::SendError(Exchange& exchange, const RequestError& error) {
  parts_.metrics->CountRefusal(error.refusal());
  httplib::Response& response = exchange.response;
  const int status = StatusOf(error.refusal());
  if (status == 401) response.set_header("WWW-Authenticate", "Bearer");
  if (status == 405) response.set_header("Allow", AllowedMethods(exchange.request.path));
  if (status == 503) response.set_header("Retry-After", "1");
  SendJson(exchange, ErrorAnswer(error.what()), status);
}

std::string HttpRoutes::AnswerToHead(const RequestError& error) {
  const int status = StatusOf(error.refusal());
  parts_.metrics->CountRefusal(error.refusal());
  parts_.metrics->CountRequest(PathLabel(""), status);
  const std::string body = JsonLine(ErrorAnswer(error.what())) + "\n";
  return fmt::format(
      "HTTP/1.1 {} Refused\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      status, body.size(), body);
}

void HttpRoutes::AddTo(httplib::Server* server) {
  using httplib::Request;
  using httplib::Response;
  using HandlerResponse = httplib::Server::HandlerResponse;
  server->set_pre_routing_handler([this](const Request& request, Response& response) {
    Exchange exchange{.request = request, .response = response};
    try {
      CheckHead(HeadOf(request), parts_.options, parts_.is_stopping);
      return HandlerResponse::Unhandled;
    } catch (...) {
      SendError(exchange, CurrentError());
      return HandlerResponse::Handled;
    }
  });
  // What the library itself refuses, such as a line that is no HTTP, has no content yet.
  server->set_error_handler([this](const Request& request, Response& response) {
    if (response.has_header("Content-Type")) return;
    parts_.metrics->CountRefusal(Refusal::kInvalid);
    Exchange exchange{.request = request, .response = response};
    SendJson(exchange, ErrorAnswer("the request is not understood"), response.status);
  });
  server->set_logger([this](const Request& request, const Response& response) {
    parts_.metrics->CountRequest(PathLabel(request.path), response.status);
  });

  const auto get = [this, server](const char* path, auto work) {
    server->Get(path, [this, work](const Request& request, Response& response) {
      Answer(request, response, work);
    });
  };
  get("/", [](Exchange& exchange) {
    exchange.response.set_header("Content-Security-Policy", std::string(TranslationPagePolicy()));
    exchange.response.set_header("Referrer-Policy", "no-referrer");
    Send(exchange, 200, std::string(TranslationPage()), "text/html; charset=utf-8");
  });
  get("/health", [this](Exchange& exchange) {
    const bool is_stopping = parts_.is_stopping;
    SendJson(
        exchange,
        HealthAnswer(parts_.service->languages(), parts_.service->lines_waiting(), is_stopping),
        is_stopping ? StatusOf(Refusal::kStopping) : 200);
  });
  get("/metrics", [this](Exchange& exchange) {
    RequireToken(parts_.options, exchange, "");
    Send(exchange, 200,
         parts_.metrics->Text({.lines_waiting = parts_.service->lines_waiting(),
                               .connections = parts_.threads.num_tasks()}),
         "text/plain; version=0.0.4; charset=utf-8");
  });
  get("/languages", [this](Exchange& exchange) {
    SendJson(exchange, LanguagesAnswer(parts_.service->languages()));
  });
  get("/frontend/settings", [this](Exchange& exchange) {
    SendJson(exchange, FrontendSettings(parts_.service->languages(), parts_.options));
  });

  const auto post = [this, server](const char* path, auto work) {
    server->Post(path, [this, work](const Request& request, Response& response,
                                    const httplib::ContentReader& reader) {
      Answer(request, response, [&](Exchange& exchange) { work(exchange, reader); });
    });
  };
  post("/languages", [this](Exchange& exchange, const httplib::ContentReader& reader) {
    translations_.ListLanguages(exchange, reader);
  });
  post("/v1/translate", [this](Exchange& exchange, const httplib::ContentReader& reader) {
    translations_.Translate(exchange, reader);
  });
  post("/translate", [this](Exchange& exchange, const httplib::ContentReader& reader) {
    translations_.TranslateForLibreTranslate(exchange, reader);
  });
}

}  // namespace wavemt
