#pragma once

#include <unicode/utf8.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wavemt {

/// Returns the character of UTF-8 `text` that begins at byte `i`, and advances `i` past it. Returns
/// U+FFFD for invalid bytes.
inline char32_t NextCharacter(std::string_view text, size_t& i) {
  const auto first = static_cast<uint8_t>(text[i]);
  if (first < 0x80) {  // Fast path for ASCII.
    ++i;
    return first;
  }
  UChar32 character = 0;
  U8_NEXT_OR_FFFD(text.data(), i, text.size(), character);
  return static_cast<char32_t>(character);
}

/// Returns the last character of UTF-8 `text`, and in `begin` the byte at which it begins. Returns
/// U+FFFD for invalid bytes. REQUIRES: !text.empty()
inline char32_t LastCharacter(std::string_view text, size_t* begin) {
  // ICU counts bytes in 32 bits, and the text may be longer.
  constexpr size_t kLongestCharacter = 4;
  const size_t skipped = text.size() > kLongestCharacter ? text.size() - kLongestCharacter : 0;
  text.remove_prefix(skipped);
  auto i = static_cast<int32_t>(text.size());
  UChar32 character = 0;
  U8_PREV_OR_FFFD(text.data(), 0, i, character);
  *begin = skipped + static_cast<size_t>(i);
  return static_cast<char32_t>(character);
}

/// Calls `visit(character, its bytes)` for every character of UTF-8 `text`.
template <typename Visit>
void ForEachCharacter(std::string_view text, const Visit& visit) {
  for (size_t i = 0; i < text.size();) {
    const size_t start = i;
    const char32_t character = NextCharacter(text, i);
    visit(character, text.substr(start, i - start));
  }
}

}  // namespace wavemt
