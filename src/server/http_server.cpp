#include "server/http_server.h"

#include <optional>

#include "server/http_listener.h"
#include "server/http_routes.h"

namespace wavemt {

class HttpServer::Impl {
 public:
  explicit Impl(const ServerOptions& options)
      : options_(options),
        listener_({.host = options.host,
                   .port = options.port,
                   .max_connections = options.max_connections,
                   .max_seconds = options.limits.max_seconds},
                  [this](const RequestError& error) { return routes_->AnswerToHead(error); }) {}

  std::string url() const { return listener_.url(); }

  bool Run(TranslationService* service, ServerMetrics* metrics,
           const std::function<bool()>& stop_requested) {
    routes_.emplace(HttpRoutes::Parts{.options = options_,
                                      .service = service,
                                      .metrics = metrics,
                                      .threads = listener_.threads(),
                                      .is_stopping = listener_.is_stopping()});
    routes_->AddTo(&listener_.server());
    return listener_.Run(stop_requested);
  }

 private:
  ServerOptions options_;
  std::optional<HttpRoutes> routes_;  // Once there is something to serve.
  HttpListener listener_;
};

HttpServer::HttpServer(const ServerOptions& options) : impl_(std::make_unique<Impl>(options)) {}
HttpServer::~HttpServer() = default;
std::string HttpServer::url() const { return impl_->url(); }
bool HttpServer::Run(TranslationService* service, ServerMetrics* metrics,
                     const std::function<bool()>& stop_requested) {
  return impl_->Run(service, metrics, stop_requested);
}

}  // namespace wavemt
