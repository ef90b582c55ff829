#include "support/utf8.h"

#include <unicode/utf8.h>

#include "support/characters.h"

namespace wavemt {

std::optional<size_t> FindInvalidUtf8(std::string_view text) {
  const char* bytes = text.data();
  const auto size = static_cast<int64_t>(text.size());
  for (int64_t i = 0; i < size;) {
    const int64_t start = i;
    UChar32 code_point = 0;
    U8_NEXT(bytes, i, size, code_point);
    if (code_point < 0) return static_cast<size_t>(start);
  }
  return std::nullopt;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  constexpr std::string_view kReplacement = "\uFFFD";
  std::string replaced;
  replaced.reserve(text.size());
  ForEachCharacter(text, [&](char32_t character, std::string_view bytes) {
    replaced += character == U'\uFFFD' ? kReplacement : bytes;
  });
  return replaced;
}

}  // namespace wavemt
