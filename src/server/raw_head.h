#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wavemt {

/// The head of a request, checked more strictly than the HTTP library does: what two programs could
/// understand differently, one in front of the other, is refused, because the rest of a body would
/// be the next client's request.
struct RawHead {
  std::string method;
  bool is_chunked = false;
  uint64_t content_length = 0;  // 0 if it is chunked.
  /// The head for the library: without ranges, which we do not serve, and without a body where the
  /// method has none.
  std::string text;

  bool has_body() const { return is_chunked || content_length > 0; }
};

/// Of all lines together. Ordinary heads have a few hundred bytes.
inline constexpr size_t kMostHeadBytes = size_t{32} << 10;

/// `text`: from the request line to the empty line. Throws a RequestError.
RawHead ParseRawHead(std::string_view text);

}  // namespace wavemt
