#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace wavemt {

/// What some editors put at the beginning of a UTF-8 file. It is no part of the text.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The byte offset of the first ill-formed UTF-8 sequence (including overlong forms and
/// surrogates), or nothing if `text` is well-formed.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

/// Returns `text` with each ill-formed sequence replaced by U+FFFD (one for each maximal subpart,
/// as the Unicode standard recommends and Python's errors="replace" does).
std::string ReplaceInvalidUtf8(std::string_view text);

}  // namespace wavemt
