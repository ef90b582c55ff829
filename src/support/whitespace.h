#pragma once

#include <string_view>
#include <vector>

namespace wavemt {

/// Like Python's str.isspace(): Unicode's White_Space and the four ASCII separators U+001C to
/// U+001F.
bool IsPythonSpace(char32_t character);

/// Python's str.rstrip(), str.strip() and str.split() for UTF-8.
std::string_view StripRight(std::string_view text);
std::string_view Strip(std::string_view text);
void SplitOnSpace(std::string_view text, std::vector<std::string_view>* words);

/// Whether the text is empty or all white space.
inline bool IsBlank(std::string_view text) { return Strip(text).empty(); }

}  // namespace wavemt
