#pragma once

#include <string_view>
#include <vector>

namespace wavemt {

/// Whether Python's str.isspace() holds for the character: Unicode's White_Space and the four
/// ASCII separators U+001C to U+001F.
bool IsPythonSpace(char32_t character);

/// Python's str.rstrip(), str.strip() and str.split() on UTF-8.
std::string_view StripRight(std::string_view text);
std::string_view Strip(std::string_view text);
void SplitOnSpace(std::string_view text, std::vector<std::string_view>* words);

/// Whether there is nothing but white space.
inline bool IsBlank(std::string_view text) { return Strip(text).empty(); }

}  // namespace wavemt
