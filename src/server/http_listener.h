#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "server/connection_threads.h"
#include "server/http_connection_server.h"
#include "server/request_error.h"

namespace wavemt {

/// Listens at an address, and answers as the handlers of its server say, each connection in a
/// thread, until it is told to stop.
class HttpListener {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    int port = 0;                          // 0: any that is free.
    size_t max_connections = 1024;         // Further ones wait.
    std::chrono::seconds max_seconds{60};  // For a request until its answer is written.
  };
  /// The whole answer to a request whose head cannot be used.
  using AnswerToHead = std::function<std::string(const RequestError&)>;

  /// Listens at once; connections wait until Run(). Usage errors name --host or --port.
  HttpListener(Options options, AnswerToHead answer_to_head);
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  /// "http://127.0.0.1:8080"
  std::string url() const;

  /// For handlers, to be set before Run().
  httplib::Server& server() { return server_; }
  const ConnectionThreads& threads() const { return threads_; }
  /// New requests should be refused.
  const std::atomic<bool>& is_stopping() const { return is_stopping_; }

  /// Answers until `stop_requested` returns true, which is asked several times a second. Then those
  /// requests are finished that are under way. Returns false if some connections were still open
  /// max_seconds later: their threads still use this object, so the process must end without
  /// destroying it.
  bool Run(const std::function<bool()>& stop_requested);

 private:
  class Connections;
  bool Bind();
  void Listen();
  void SetOptions();

  Options options_;
  HttpConnectionServer server_;
  int port_ = 0;
  int socket_ = -1;
  ConnectionThreads threads_;

  std::atomic<bool> is_stopping_ = false;
  std::atomic<bool> is_closing_ = false;  // No new connections.
  std::atomic<bool> has_ended_ = false;   // Nobody listens any more.
  std::atomic<bool> has_failed_ = false;  // And nobody had asked for that.
  std::atomic<bool> all_finished_ = true;
  std::chrono::steady_clock::time_point finish_by_;  // Set before is_closing_.
};

}  // namespace wavemt
