#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/server_metrics.h"
#include "server/server_options.h"
#include "server/translation_service.h"

namespace wavemt {

/// Answers HTTP requests. The paths are:
///   POST /v1/translate                                      our own API, see server/requests.h
///   POST /translate, GET and POST /languages,
///   GET /frontend/settings                                  LibreTranslate's API
///   GET /health, GET /metrics, GET /                        for machines, and a page for people
/// There is no CORS: pages of other sites cannot use it. Each connection has a thread.
class HttpServer {
 public:
  /// Listens at once, so that a port that is in use is known before models are read. Connections
  /// wait until Run(). Usage errors name --host or --port.
  explicit HttpServer(const ServerOptions& options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Where it listens: "http://127.0.0.1:8080".
  std::string url() const;

  /// Answers until `stop_requested` returns true, which is asked several times a second. Then new
  /// requests are refused, and those that are under way are finished. Returns false if some
  /// connections were still open max_seconds later: their threads still use this object, so the
  /// process must end without destroying it or anything that it was given.
  bool Run(TranslationService* service, ServerMetrics* metrics,
           const std::function<bool()>& stop_requested);

 private:
  class Impl;

  std::unique_ptr<Impl> impl_;
};

}  // namespace wavemt
