#include "server/request_head.h"

#include <algorithm>
#include <iterator>

#include "server/access.h"
#include "server/request_error.h"
#include "support/json.h"

namespace wavemt {
namespace {

struct Path {
  std::string_view path;
  bool get = false;
  bool post = false;
  bool is_answered = true;  // LibreTranslate has paths for which we have nothing.
};

constexpr Path kPaths[] = {
    {.path = "/", .get = true},
    {.path = "/health", .get = true},
    {.path = "/metrics", .get = true},
    {.path = "/languages", .get = true, .post = true},
    {.path = "/frontend/settings", .get = true},
    {.path = "/v1/translate", .post = true},
    {.path = "/translate", .post = true},
    {.path = "/detect", .post = true, .is_answered = false},
    {.path = "/suggest", .post = true, .is_answered = false},
    {.path = "/translate_file", .post = true, .is_answered = false},
};

// Null if it does not exist.
const Path* FindPath(std::string_view path) {
  const auto* const found = std::ranges::find(kPaths, path, &Path::path);
  return found == std::end(kPaths) ? nullptr : found;
}

void CheckSite(const RequestHead& head, const ServerOptions& options) {
  // A page whose name leads to this machine does not have the token.
  if (options.token.empty() && IsLoopback(options.host) && head.host &&
      !NamesLoopback(*head.host)) {
    throw Refuse(Refusal::kForeignPage,
                 "Host: this server answers to localhost, 127.0.0.1 and [::1], not to {}",
                 QuoteJson(*head.host));
  }
  // Without a token, nothing else tells the server's own page from one of another site, which could
  // send a form without asking.
  if (options.token.empty() && head.origin && !IsSameOrigin(*head.origin, head.host.value_or(""))) {
    throw Refuse(Refusal::kForeignPage, "Origin: pages of other sites cannot use this server");
  }
}

void CheckBody(const RequestHead& head, const ServerOptions& options) {
  if (head.method != "POST") return;
  if (head.is_multipart) {
    throw Refuse(Refusal::kMediaType,
                 "multipart/form-data is not read; send JSON, or a form that is urlencoded");
  }
  if (!head.content_length && !head.is_chunked) {
    if (head.path == "/languages") return;
    throw Refuse(Refusal::kNoLength, "Content-Length: is missing");
  }
  if (head.content_length.value_or(0) > kMostDroppedBytes) {
    throw Refuse(Refusal::kTooLarge, "a body of {} bytes is too large; at most {} are possible",
                 *head.content_length, options.max_body_bytes);
  }
}

}  // namespace

void CheckHead(const RequestHead& head, const ServerOptions& options, bool is_stopping) {
  CheckSite(head, options);
  const Path* path = FindPath(head.path);
  if (path == nullptr) {
    throw Refuse(Refusal::kUnknownPath,
                 "there is nothing at this path; POST /v1/translate translates");
  }
  const bool is_get = head.method == "GET" || head.method == "HEAD";
  if (!(is_get && path->get) && !(head.method == "POST" && path->post)) {
    throw Refuse(Refusal::kMethod, "{} takes {}", head.path, AllowedMethods(head.path));
  }
  if (!path->is_answered) {
    throw Refuse(Refusal::kUnsupported, "{}: this server only translates", head.path);
  }
  if (is_stopping && path->post) throw Refuse(Refusal::kStopping, "the server is stopping");
  CheckBody(head, options);
}

std::string AllowedMethods(std::string_view path) {
  const Path* found = FindPath(path);
  if (found == nullptr) return "";
  if (!found->get) return "POST";
  return found->post ? "GET, HEAD, POST" : "GET, HEAD";
}

std::string PathLabel(std::string_view path) {
  return FindPath(path) == nullptr ? "other" : std::string(path);
}

}  // namespace wavemt
