#include "server/request_head.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
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

// What two programs could understand differently, one in front of the other, is refused: the rest
// of a body would be the next client's request.
uint64_t CheckFraming(const RequestHead& head) {
  if (!head.transfer_encodings.empty()) {
    if (head.transfer_encodings != std::vector<std::string>{"chunked"}) {
      throw Refuse(Refusal::kUnsupported, "Transfer-Encoding: only \"chunked\" is understood");
    }
    if (!head.content_lengths.empty()) {
      throw Refuse(Refusal::kInvalid, "Content-Length: is not possible with Transfer-Encoding");
    }
    return 0;
  }
  if (head.content_lengths.empty()) return 0;
  const std::string& text = head.content_lengths.front();
  uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (head.content_lengths.size() > 1 || !is_number) {
    throw Refuse(Refusal::kInvalid, "Content-Length: must be one whole number");
  }
  return length;
}

void CheckSite(const RequestHead& head, const ServerOptions& options) {
  if (IsLoopback(options.host) && head.host && !NamesLoopback(*head.host)) {
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

void CheckBody(const RequestHead& head, const ServerOptions& options, uint64_t length) {
  if (head.method != "POST") {
    // LibreTranslate's own client sends its key as the body of a GET.
    if (head.has_body() && head.path != "/languages") {
      throw Refuse(Refusal::kInvalid, "{} takes no body", head.method);
    }
    return;
  }
  const bool has_length = !head.content_lengths.empty();
  if (!has_length && head.transfer_encodings.empty()) {
    if (head.path == "/languages") return;
    throw Refuse(Refusal::kNoLength, "Content-Length: is missing");
  }
  // The library collects the heads of a form's parts without a limit.
  if (head.is_multipart && (!has_length || head.is_compressed)) {
    throw Refuse(Refusal::kNoLength,
                 "a multipart/form-data body must have a Content-Length and no Content-Encoding");
  }
  if (length > (head.is_multipart ? options.max_body_bytes : kMostDroppedBytes)) {
    throw Refuse(Refusal::kTooLarge, "a body of {} bytes is too large; at most {} are possible",
                 length, options.max_body_bytes);
  }
}

}  // namespace

void CheckHead(const RequestHead& head, const ServerOptions& options, bool is_stopping) {
  const uint64_t length = CheckFraming(head);
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
  CheckBody(head, options, length);
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
