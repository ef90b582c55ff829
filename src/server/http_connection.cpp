#include "server/http_connection.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "server/request_error.h"

namespace wavemt {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kHeadTime{20};  // From its first byte.
constexpr std::chrono::seconds kSilence{10};   // Within a body, or of a client that should read.
constexpr std::chrono::milliseconds kFarewell{500};  // For a client that is still sending.
constexpr size_t kMostChunkLineBytes = 8192;         // Of a chunk's size.

void AddressOf(int (*name_of)(int, sockaddr*, socklen_t*), socket_t socket, std::string* ip,
               int* port) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (name_of(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    *port = ntohs(v4->sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    *port = ntohs(v6->sin6_port);
  }
  *ip = text.data();
}

}  // namespace

HttpConnection::HttpConnection(socket_t socket, std::function<bool()> is_closing)
    : socket_(socket), is_closing_(std::move(is_closing)) {}

HttpConnection::~HttpConnection() {
  // Closing a socket with bytes that nobody read makes the system throw away what was written last.
  shutdown(socket_, SHUT_WR);
  const Clock::time_point until = Clock::now() + kFarewell;
  std::array<char, 4096> dropped;
  while (Await(POLLIN, until) && recv(socket_, dropped.data(), dropped.size(), 0) > 0) {
  }
  close(socket_);
}

bool HttpConnection::Await(short events, Clock::time_point until) const {
  // A server that ends is noticed so soon.
  constexpr milliseconds kSlice{250};
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    const milliseconds slice = std::clamp(left, milliseconds(0), kSlice);
    pollfd waiting{.fd = socket_, .events = events, .revents = 0};
    const int found = poll(&waiting, 1, static_cast<int>(slice.count()));
    if (found > 0) return true;
    if (found < 0 && errno != EINTR) return false;
    if (Clock::now() >= until) return false;
    if (events == POLLIN && is_closing_()) return false;
  }
}

bool HttpConnection::Receive(Clock::time_point until) {
  std::array<char, 16384> bytes;
  if (!Await(POLLIN, until)) return false;
  const ssize_t count = recv(socket_, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  received_.append(bytes.data(), static_cast<size_t>(count));
  return true;
}

bool HttpConnection::AwaitRequest(milliseconds patience) {
  deadline_ = Clock::time_point::max();
  return !received_.empty() || Receive(Clock::now() + patience);
}

bool HttpConnection::ReadHead() {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const Clock::time_point until = Clock::now() + kHeadTime;
  size_t searched = 0;
  while (true) {
    const size_t end = received_.find(kEnd, searched);
    if (std::min(end, received_.size()) > kMostHeadBytes) {
      throw Refuse(Refusal::kHeadTooLarge, "the head has more than {} bytes", kMostHeadBytes);
    }
    if (end != std::string::npos) {
      head_ = ParseRawHead(std::string_view(received_).substr(0, end + kEnd.size()));
      received_.erase(0, end + kEnd.size());
      break;
    }
    searched = received_.size() - std::min(received_.size(), kEnd.size() - 1);
    if (Receive(until)) continue;
    if (Clock::now() >= until) throw Refuse(Refusal::kSlow, "the head took too long to arrive");
    return false;
  }
  head_given_ = 0;
  body_given_ = 0;
  line_bytes_ = 0;
  return true;
}

bool HttpConnection::HasUnreadBody() const {
  return head_.is_chunked || body_given_ < head_.content_length;
}

ssize_t HttpConnection::read(char* data, size_t size) {
  if (head_given_ < head_.text.size()) {
    const size_t count = head_.text.copy(data, size, head_given_);
    head_given_ += count;
    return static_cast<ssize_t>(count);
  }
  const bool is_line = size == 1 && head_.is_chunked;
  if (!head_.is_chunked) {
    size = static_cast<size_t>(std::min<uint64_t>(size, head_.content_length - body_given_));
  }
  if (size == 0) return 0;
  if (received_.empty() && !Receive(std::min(deadline_, Clock::now() + kSilence))) return -1;
  const size_t count = received_.copy(data, size);
  received_.erase(0, count);
  body_given_ += count;
  // The library would collect a line of any length.
  if (is_line && *data != '\n' && ++line_bytes_ > kMostChunkLineBytes) return -1;
  if (!is_line || *data == '\n') line_bytes_ = 0;
  return static_cast<ssize_t>(count);
}

ssize_t HttpConnection::write(const char* data, size_t size) {
  if (!Await(POLLOUT, std::min(deadline_, Clock::now() + kSilence))) return -1;
  return send(socket_, data, size, MSG_NOSIGNAL);
}

void HttpConnection::WriteAll(std::string_view answer) {
  while (!answer.empty()) {
    const ssize_t count = write(answer.data(), answer.size());
    if (count <= 0) return;
    answer.remove_prefix(static_cast<size_t>(count));
  }
}

bool HttpConnection::IsPeerThere() const {
  pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, 0) == 0) return true;
  if ((waiting.revents & (POLLERR | POLLHUP)) != 0) return false;
  char next = 0;
  return recv(socket_, &next, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool HttpConnection::is_readable() const { return !received_.empty() || IsPeerThere(); }
bool HttpConnection::wait_readable() const {
  return !received_.empty() || Await(POLLIN, std::min(deadline_, Clock::now() + kSilence));
}
bool HttpConnection::is_writable() const { return wait_writable(); }
bool HttpConnection::wait_writable() const {
  return IsPeerThere() && Await(POLLOUT, std::min(deadline_, Clock::now() + kSilence));
}

void HttpConnection::get_remote_ip_and_port(std::string& ip, int& port) const {
  AddressOf(getpeername, socket_, &ip, &port);
}
void HttpConnection::get_local_ip_and_port(std::string& ip, int& port) const {
  AddressOf(getsockname, socket_, &ip, &port);
}

}  // namespace wavemt
