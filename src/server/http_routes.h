#pragma once

#include <httplib.h>

#include <atomic>
#include <string>

#include "server/connection_threads.h"
#include "server/http_exchange.h"
#include "server/http_translations.h"
#include "server/request_error.h"
#include "server/server_metrics.h"
#include "server/server_options.h"
#include "server/translation_service.h"

namespace wavemt {

/// What is answered at each path.
class HttpRoutes {
 public:
  /// All of these must outlive the routes.
  struct Parts {
    const ServerOptions& options;
    TranslationService* service = nullptr;
    ServerMetrics* metrics = nullptr;
    const ConnectionThreads& threads;
    const std::atomic<bool>& is_stopping;
  };
  explicit HttpRoutes(const Parts& parts);

  /// Sets the server's handlers, which use the routes.
  void AddTo(httplib::Server* server);

  /// The whole answer to a request whose head cannot be used.
  std::string AnswerToHead(const RequestError& error);

 private:
  template <typename Work>
  void Answer(const httplib::Request& request, httplib::Response& response, Work work);
  void SendError(Exchange& exchange, const RequestError& error);

  Parts parts_;
  HttpTranslations translations_;
};

}  // namespace wavemt
