#include "server/http_connection_server.h"

#include <exception>
#include <utility>

#include "support/logging.h"

namespace wavemt {
namespace {

constexpr int kMostRequests = 1000;           // Of one connection.
constexpr std::chrono::seconds kIdle{5};      // Between two of them.
constexpr std::chrono::seconds kToWrite{30};  // More than the translation has.

// Counts while it exists.
class Counted {
 public:
  explicit Counted(std::atomic<int>* count) : count_(count) { ++*count_; }
  ~Counted() { --*count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::atomic<int>* count_;
};

}  // namespace

bool HttpConnectionServer::process_and_close_socket(socket_t socket) {
  HttpConnection connection(socket, hooks_.is_closing);
  try {
    Serve(&connection);
  } catch (const std::exception& error) {
    spdlog::error("a connection failed: {}", error.what());
  }
  return true;
}

void HttpConnectionServer::Serve(HttpConnection* connection) {
  for (int i = 1; i <= kMostRequests; ++i) {
    if (!connection->AwaitRequest(kIdle)) return;
    try {
      if (!connection->ReadHead()) return;
    } catch (const RequestError& error) {
      connection->WriteAll(hooks_.answer(error));
      return;
    }
    const Counted counted(&num_under_way_);
    connection->SetDeadline(HttpConnection::Clock::now() + hooks_.max_seconds + kToWrite);
    const RawHead& head = connection->head();
    // How much of these the library reads depends on its version.
    const bool is_doubtful = head.is_chunked || (head.has_body() && head.method != "POST");
    const bool is_last = i == kMostRequests || is_doubtful || hooks_.is_stopping();
    if (!Process(connection, is_last) || is_last || connection->HasUnreadBody()) return;
  }
}

bool HttpConnectionServer::Process(HttpConnection* connection, bool is_last) {
  bool is_closed = false;
  // Later versions of the library want to be told the addresses.
  const auto process = [&](auto* self) {
    if constexpr (requires { self->process_request(*connection, is_last, is_closed, nullptr); }) {
      return self->process_request(*connection, is_last, is_closed, nullptr);
    } else {
      std::string remote;
      std::string local;
      int remote_port = 0;
      int local_port = 0;
      connection->get_remote_ip_and_port(remote, remote_port);
      connection->get_local_ip_and_port(local, local_port);
      return self->process_request(*connection, remote, remote_port, local, local_port, is_last,
                                   is_closed, nullptr);
    }
  };
  return process(this) && !is_closed;
}

}  // namespace wavemt
