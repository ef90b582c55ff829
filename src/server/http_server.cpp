#include "server/http_server.h"

#include <httplib.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include "server/connection_threads.h"
#include "server/http_connection_server.h"
#include "server/http_routes.h"
#include "server/request_error.h"
#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kBacklog = 4096;  // Connections that nobody has accepted yet.

Error CannotListen(const ServerOptions& options, int error_number) {
  switch (error_number) {
    case EADDRINUSE:
      return UsageError("--port {}: is in use on {}; choose another with --port", options.port,
                        options.host);
    case EACCES:
      return UsageError("--port {}: needs special rights; choose one from 1024 with --port",
                        options.port);
    case EADDRNOTAVAIL:
      return UsageError("--host {}: is not an address of this machine", options.host);
    default:
      return Failure("--host {}, --port {}: cannot listen there: {}", options.host, options.port,
                     std::strerror(error_number));
  }
}

void RequireKnownHost(const std::string& host) {
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, nullptr, &found);
  if (error != 0) {
    throw UsageError("--host {}: is not an address of this machine: {}", host, gai_strerror(error));
  }
  freeaddrinfo(found);
}

}  // namespace

class HttpServer::Impl {
 public:
  explicit Impl(const ServerOptions& options);
  std::string url() const;
  bool Run(TranslationService* service, ServerMetrics* metrics,
           const std::function<bool()>& stop_requested);

 private:
  class Connections;
  bool Bind();
  void Listen();
  void SetOptions();

  ServerOptions options_;
  HttpConnectionServer server_;
  int port_ = 0;
  int socket_ = -1;
  ConnectionThreads threads_;
  std::optional<HttpRoutes> routes_;  // Once there is something to serve.

  std::atomic<bool> is_stopping_ = false;  // New requests are refused.
  std::atomic<bool> is_closing_ = false;   // No new connections.
  std::atomic<bool> has_ended_ = false;    // Nobody listens any more.
  std::atomic<bool> has_failed_ = false;   // And nobody had asked for that.
  std::atomic<bool> all_finished_ = true;
  Clock::time_point finish_by_;  // Set before is_closing_.
};

// What the library hands its connections to.
class HttpServer::Impl::Connections : public httplib::TaskQueue {
 public:
  explicit Connections(Impl* server) : server_(server) {}

  // Newer versions of the library want to know whether there was room.
  using Enqueued =
      decltype(std::declval<httplib::TaskQueue&>().enqueue(std::declval<std::function<void()>>()));

  Enqueued enqueue(std::function<void()> task) override {
    server_->threads_.Add(std::move(task));
    return static_cast<Enqueued>(true);
  }

  void shutdown() override {
    // If only accept() failed, the open connections go on.
    if (server_->is_closing_)
      server_->all_finished_ = server_->threads_.Finish(server_->finish_by_);
  }

 private:
  Impl* server_;
};

HttpServer::Impl::Impl(const ServerOptions& options)
    : options_(options),
      server_({.is_stopping = [this] { return is_stopping_.load(); },
               .is_closing = [this] { return is_closing_.load(); },
               .answer = [this](const RequestError& error) { return routes_->AnswerToHead(error); },
               .max_seconds = options.limits.max_seconds}),
      port_(options.port),
      threads_(options.max_connections) {
  SetOptions();
  RequireKnownHost(options_.host);
  if (!Bind()) throw CannotListen(options_, errno);
}

bool HttpServer::Impl::Bind() {
  errno = 0;
  if (port_ == 0) {
    const int chosen = server_.bind_to_any_port(options_.host);
    if (chosen <= 0) return false;
    port_ = chosen;
  } else if (!server_.bind_to_port(options_.host, port_)) {
    return false;
  }
  // The library lets only five connections wait, and further ones for a second.
  listen(socket_, kBacklog);
  return true;
}

std::string HttpServer::Impl::url() const {
  const bool is_ipv6 = options_.host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("http://[{}]:{}", options_.host, port_)
                 : fmt::format("http://{}:{}", options_.host, port_);
}

void HttpServer::Impl::SetOptions() {
  server_.new_task_queue = [this] { return new Connections(this); };
  server_.set_socket_options([this](auto socket) {
    // Not the library's SO_REUSEPORT, with which two servers share a port.
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
#ifdef TCP_DEFER_ACCEPT
    // A connection that says nothing stays with the kernel so long, without a thread.
    const int seconds = 30;
    setsockopt(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
#endif
    socket_ = socket;
  });
  server_.set_tcp_nodelay(true);
  // BodyMeter counts instead.
  server_.set_payload_max_length(std::numeric_limits<size_t>::max());
  server_.set_default_headers(
      {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}});
}

void HttpServer::Impl::Listen() {
  // accept() may fail for a connection's own reasons, and then the library ends.
  while (true) {
    server_.listen_after_bind();
    if (is_closing_) break;
    spdlog::warn("{}: listening failed; trying again", url());
    std::this_thread::sleep_for(milliseconds(200));
    if (!Bind()) {
      has_failed_ = true;
      break;
    }
  }
  has_ended_ = true;
}

bool HttpServer::Impl::Run(TranslationService* service, ServerMetrics* metrics,
                           const std::function<bool()>& stop_requested) {
  constexpr milliseconds kPause{50};
  constexpr std::chrono::seconds kLeast{4};  // Idle connections end within a second.
  routes_.emplace(HttpRoutes::Parts{.options = options_,
                                    .service = service,
                                    .metrics = metrics,
                                    .threads = threads_,
                                    .is_stopping = is_stopping_});
  routes_->AddTo(&server_);

  // Signals go to this thread: in others they would interrupt system calls of the library.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread listener([this] { Listen(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  while (!stop_requested() && !has_ended_) std::this_thread::sleep_for(kPause);
  is_stopping_ = true;
  const Clock::time_point last = Clock::now() + options_.limits.max_seconds;
  // A pause first: what has just been let in does not count yet.
  do {
    std::this_thread::sleep_for(2 * kPause);
  } while (server_.num_under_way() > 0 && Clock::now() < last);
  finish_by_ = std::max(last, Clock::now() + kLeast);
  is_closing_ = true;
  while (!has_ended_ && !server_.is_running()) std::this_thread::sleep_for(kPause);
  if (!has_ended_) server_.stop();
  listener.join();
  if (has_failed_) {
    const bool finished = threads_.Finish(finish_by_);
    const Error error = Failure("{}: cannot listen there any more", url());
    if (finished) throw error;
    spdlog::error("{}", error.what());
    std::_Exit(error.exit_code());  // Threads still use what would be destroyed now.
  }
  return all_finished_;
}

HttpServer::HttpServer(const ServerOptions& options) : impl_(std::make_unique<Impl>(options)) {}
HttpServer::~HttpServer() = default;
std::string HttpServer::url() const { return impl_->url(); }
bool HttpServer::Run(TranslationService* service, ServerMetrics* metrics,
                     const std::function<bool()>& stop_requested) {
  return impl_->Run(service, metrics, stop_requested);
}

}  // namespace wavemt
