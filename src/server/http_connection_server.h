#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "server/http_connection.h"
#include "server/request_error.h"

namespace wavemt {

/// The library's server, whose connections are ours: see HttpConnection.
class HttpConnectionServer : public httplib::Server {
 public:
  struct Hooks {
    std::function<bool()> is_stopping;  // Connections end after the request that they have.
    std::function<bool()> is_closing;   // They end at once, unless one is being answered.
    /// The whole answer to a request whose head cannot be used.
    std::function<std::string(const RequestError&)> answer;
    std::chrono::seconds max_seconds{60};  // For a request until its answer is written.
  };

  explicit HttpConnectionServer(Hooks hooks) : hooks_(std::move(hooks)) {}

  /// Requests whose answers have not been written completely.
  int num_under_way() const { return num_under_way_; }

 private:
  bool process_and_close_socket(socket_t socket) override;
  void Serve(HttpConnection* connection);
  // False: the connection cannot go on.
  bool Process(HttpConnection* connection, bool is_last);

  Hooks hooks_;
  std::atomic<int> num_under_way_ = 0;
};

}  // namespace wavemt
