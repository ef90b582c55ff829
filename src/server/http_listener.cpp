#include "server/http_listener.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <thread>
#include <utility>

#include "support/error.h"
#include "support/logging.h"

namespace wavemt {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kBacklog = 4096;  // Connections that nobody has accepted yet.

Error CannotListen(const HttpListener::Options& options, int error_number) {
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

// What the library hands its connections to.
class HttpListener::Connections : public httplib::TaskQueue {
 public:
  explicit Connections(HttpListener* listener) : listener_(listener) {}

  // Newer versions of the library want to know whether there was room.
  using Enqueued =
      decltype(std::declval<httplib::TaskQueue&>().enqueue(std::declval<std::function<void()>>()));

  Enqueued enqueue(std::function<void()> task) override {
    listener_->threads_.Add(std::move(task));
    return static_cast<Enqueued>(true);
  }

  void shutdown() override {
    // If only accept() failed, the open connections go on.
    if (listener_->is_closing_) {
      listener_->all_finished_ = listener_->threads_.Finish(listener_->finish_by_);
    }
  }

 private:
  HttpListener* listener_;
};

HttpListener::HttpListener(Options options, AnswerToHead answer_to_head)
    : options_(std::move(options)),
      server_({.is_stopping = [this] { return is_stopping_.load(); },
               .is_closing = [this] { return is_closing_.load(); },
               .answer = std::move(answer_to_head),
               .max_seconds = options_.max_seconds}),
      port_(options_.port),
      threads_(options_.max_connections) {
  SetOptions();
  RequireKnownHost(options_.host);
  if (!Bind()) throw CannotListen(options_, errno);
}

bool HttpListener::Bind() {
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

std::string HttpListener::url() const {
  const bool is_ipv6 = options_.host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("http://[{}]:{}", options_.host, port_)
                 : fmt::format("http://{}:{}", options_.host, port_);
}

void HttpListener::SetOptions() {
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

void HttpListener::Listen() {
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

bool HttpListener::Run(const std::function<bool()>& stop_requested) {
  constexpr milliseconds kPause{50};
  constexpr std::chrono::seconds kLeast{4};  // Idle connections end within a second.
  // Signals go to this thread: in others they would interrupt system calls of the library.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread listener([this] { Listen(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  while (!stop_requested() && !has_ended_) std::this_thread::sleep_for(kPause);
  is_stopping_ = true;
  const Clock::time_point last = Clock::now() + options_.max_seconds;
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

}  // namespace wavemt
