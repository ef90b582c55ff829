#include "server/http_page_server.h"

#include <fmt/format.h>
#include <httplib.h>

#include "server/access.h"
#include "server/http_exchange.h"
#include "server/http_listener.h"
#include "server/request_error.h"
#include "support/json.h"

namespace wavemt {
namespace {

constexpr const char* kPlainText = "text/plain; charset=utf-8";

// Throws a RequestError for what this server does not answer.
void CheckPageRequest(const httplib::Request& request) {
  const std::string host = request.get_header_value("Host");
  if (request.has_header("Host") && !NamesLoopback(host)) {
    throw Refuse(Refusal::kForeignPage,
                 "Host: this server answers to localhost, 127.0.0.1 and [::1], not to {}",
                 QuoteJson(host));
  }
  if (request.has_header("Origin") && !IsSameOrigin(request.get_header_value("Origin"), host)) {
    throw Refuse(Refusal::kForeignPage, "Origin: pages of other sites cannot use this server");
  }
  if (request.path != "/" && request.path != "/stamp") {
    throw Refuse(Refusal::kUnknownPath, "there is nothing at this path; the page is at /");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    throw Refuse(Refusal::kMethod, "{} takes GET, HEAD", request.path);
  }
}

void SendRefusal(Exchange& exchange, const RequestError& error) {
  const int status = StatusOf(error.refusal());
  if (status == 405) exchange.response.set_header("Allow", "GET, HEAD");
  Send(exchange, status, std::string(error.what()) + "\n", kPlainText);
}

std::string RefusalOfHead(const RequestError& error) {
  const std::string body = std::string(error.what()) + "\n";
  return fmt::format(
      "HTTP/1.1 {} Refused\r\nContent-Type: {}\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      StatusOf(error.refusal()), kPlainText, body.size(), body);
}

}  // namespace

class HttpPageServer::Impl {
 public:
  explicit Impl(int port)
      : listener_({.port = port, .max_connections = 64, .max_seconds = std::chrono::seconds(10)},
                  RefusalOfHead) {}

  std::string url() const { return listener_.url(); }

  bool Run(const ChangingPage& page, const std::function<bool()>& stop_requested) {
    using httplib::Request;
    using httplib::Response;
    using HandlerResponse = httplib::Server::HandlerResponse;
    httplib::Server& server = listener_.server();
    server.set_pre_routing_handler([](const Request& request, Response& response) {
      Exchange exchange{.request = request, .response = response};
      try {
        CheckPageRequest(request);
        return HandlerResponse::Unhandled;
      } catch (const RequestError& error) {
        SendRefusal(exchange, error);
        return HandlerResponse::Handled;
      }
    });
    const auto get = [&server](const char* path, auto work) {
      server.Get(path, [work](const Request& request, Response& response) {
        Exchange exchange{.request = request, .response = response};
        try {
          work(exchange);
        } catch (...) {
          SendRefusal(exchange, CurrentError());
        }
      });
    };
    get("/", [&page](Exchange& exchange) {
      exchange.response.set_header("Content-Security-Policy", page.policy);
      exchange.response.set_header("Referrer-Policy", "no-referrer");
      Send(exchange, 200, page.html(), "text/html; charset=utf-8");
    });
    get("/stamp", [&page](Exchange& exchange) { Send(exchange, 200, page.stamp(), kPlainText); });
    return listener_.Run(stop_requested);
  }

 private:
  HttpListener listener_;
};

HttpPageServer::HttpPageServer(int port) : impl_(std::make_unique<Impl>(port)) {}
HttpPageServer::~HttpPageServer() = default;
std::string HttpPageServer::url() const { return impl_->url(); }
bool HttpPageServer::Run(const ChangingPage& page, const std::function<bool()>& stop_requested) {
  return impl_->Run(page, stop_requested);
}

}  // namespace wavemt
