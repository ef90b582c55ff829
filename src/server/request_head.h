#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/server_options.h"

namespace wavemt {

/// What is known about a request before its body is read.
struct RequestHead {
  std::string method;
  std::string path;
  std::optional<std::string> host{};  // These are headers.
  std::optional<std::string> origin{};
  std::vector<std::string> content_lengths{};
  std::vector<std::string> transfer_encodings{};
  bool is_multipart = false;
  bool is_compressed = false;

  bool has_body() const {
    return !transfer_encodings.empty() ||
           (!content_lengths.empty() && content_lengths != std::vector<std::string>{"0"});
  }
};

/// A body beyond the limit is read up to this, so that the client gets its answer.
inline constexpr size_t kMostDroppedBytes = size_t{64} << 20;

/// Throws a RequestError for what is wrong: how the body is framed, which site's page asks, the
/// path and the method. Does not look at the token.
void CheckHead(const RequestHead& head, const ServerOptions& options, bool is_stopping);

/// "GET, HEAD, POST"; nothing for a path that does not exist.
std::string AllowedMethods(std::string_view path);

/// The path if it exists, or "other": of these there are few.
std::string PathLabel(std::string_view path);

}  // namespace wavemt
