#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/server_options.h"

namespace wavemt {

/// What is known about a request before its body is read.
struct RequestHead {
  std::string method{};
  std::string path{};
  std::optional<std::string> host{};  // These are headers.
  std::optional<std::string> origin{};
  std::optional<uint64_t> content_length{};
  bool is_chunked = false;
  bool is_multipart = false;  // A form in parts.
};

/// A body beyond the limit is read up to this, so that the client gets its answer.
inline constexpr size_t kMostDroppedBytes = size_t{64} << 20;

/// Throws a RequestError for what is wrong: which site's page asks, the path, the method, the
/// length of the body. Does not look at the token.
void CheckHead(const RequestHead& head, const ServerOptions& options, bool is_stopping);

/// "GET, HEAD, POST"; nothing for a path that does not exist.
std::string AllowedMethods(std::string_view path);

/// The path if it exists, or "other": of these there are few.
std::string PathLabel(std::string_view path);

}  // namespace wavemt
