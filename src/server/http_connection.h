#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "server/raw_head.h"

namespace wavemt {

/// A client's connection, as the library reads from it and writes to it: with a time for each part
/// of a request, and bodies that end where the head said. Waiting takes no processor time.
class HttpConnection : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  /// Takes over the socket. `is_closing`: the server is about to end, so nothing new is awaited.
  HttpConnection(socket_t socket, std::function<bool()> is_closing);
  ~HttpConnection() override;
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// Waits for the first byte of a request. False: none came, or the client left.
  bool AwaitRequest(std::chrono::milliseconds patience);
  /// Reads a head, which read() then gives to the library. Throws a RequestError about it; false if
  /// the client left.
  bool ReadHead();
  const RawHead& head() const { return head_; }
  /// From now on, the request and its answer may take so long.
  void SetDeadline(Clock::time_point deadline) { deadline_ = deadline; }
  /// Part of the body was not read, and must not become the next request.
  bool HasUnreadBody() const;
  /// Writes all of an answer.
  void WriteAll(std::string_view answer);

  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }
  // Which of these the library asks for depends on its version, so none can say that it overrides.
  // NOLINTBEGIN(modernize-use-override)
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winconsistent-missing-override"
#endif
  virtual bool is_readable() const;
  virtual bool is_writable() const;
  virtual bool wait_readable() const;
  virtual bool wait_writable() const;
  virtual time_t duration() const { return 0; }
#ifdef __clang__
#pragma clang diagnostic pop
#endif
  // NOLINTEND(modernize-use-override)

 private:
  // Waits until the socket can be read or written. False: not by then.
  bool Await(short events, Clock::time_point until) const;
  // Appends what has arrived to received_. False: nothing came by then, or the client left.
  bool Receive(Clock::time_point until);
  bool IsPeerThere() const;

  socket_t socket_;
  std::function<bool()> is_closing_;
  RawHead head_;
  size_t head_given_ = 0;  // Bytes of head_.text that the library has.
  std::string received_;   // Bytes behind the head, or of the next one.
  uint64_t body_given_ = 0;
  size_t line_bytes_ = 0;  // Since the last line feed, of what is read byte by byte.
  Clock::time_point deadline_ = Clock::time_point::max();
};

}  // namespace wavemt
