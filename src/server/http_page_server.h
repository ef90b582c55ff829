#pragma once

#include <functional>
#include <memory>
#include <string>

namespace wavemt {

/// A page that changes.
struct ChangingPage {
  /// What differs as soon as the page is another one. Both may be called by several threads at
  /// once.
  std::function<std::string()> stamp;
  std::function<std::string()> html;
  std::string policy;  // The header Content-Security-Policy.
};

/// Shows one page to browsers on this machine:
///   GET /        the page
///   GET /stamp   its stamp, so that the page can tell whether it is still the newest
/// Requests that come by another name than that of this machine for itself are refused, so that no
/// web page elsewhere reads it (DNS rebinding).
class HttpPageServer {
 public:
  /// Listens at 127.0.0.1 at once; a usage error names --port. 0: any port that is free.
  explicit HttpPageServer(int port);
  ~HttpPageServer();
  HttpPageServer(const HttpPageServer&) = delete;
  HttpPageServer& operator=(const HttpPageServer&) = delete;

  /// "http://127.0.0.1:8080"
  std::string url() const;

  /// Answers until `stop_requested` returns true, which is asked several times a second. Returns
  /// false if some connections could not be finished: their threads still use this object and
  /// `page`, so the process must end without destroying them.
  bool Run(const ChangingPage& page, const std::function<bool()>& stop_requested);

 private:
  class Impl;

  std::unique_ptr<Impl> impl_;
};

}  // namespace wavemt
