#include "evaluation/intl_tokenizer.h"

#include <unicode/uchar.h>

#include "support/characters.h"

namespace wavemt {
namespace {

bool Has(char32_t character, uint32_t categories) {
  return (U_GET_GC_MASK(static_cast<UChar32>(character)) & categories) != 0;
}
bool IsPunctuation(char32_t c) { return Has(c, U_GC_P_MASK); }
bool IsNumber(char32_t c) { return Has(c, U_GC_N_MASK); }
bool IsSymbol(char32_t c) { return Has(c, U_GC_S_MASK); }

// Replaces each pair of adjacent characters that satisfies `matches` by the output of `emit`.
// Matches do not overlap.
template <typename Matches, typename Emit>
std::string ReplaceCharacterPairs(std::string_view text, const Matches& matches, const Emit& emit) {
  std::string result;
  result.reserve(text.size() + text.size() / 4 + 8);
  for (size_t begin = 0; begin < text.size();) {
    size_t middle = begin;
    const char32_t first = NextCharacter(text, middle);
    const std::string_view first_bytes = text.substr(begin, middle - begin);
    size_t end = middle;
    if (end < text.size() && matches(first, NextCharacter(text, end))) {
      emit(first_bytes, text.substr(middle, end - middle), &result);
      begin = end;
    } else {
      result += first_bytes;
      begin = middle;
    }
  }
  return result;
}

}  // namespace

std::string TokenizeIntl(std::string_view line) {
  std::string text = ReplaceCharacterPairs(
      line, [](char32_t a, char32_t b) { return IsPunctuation(b) && !IsNumber(a); },
      [](std::string_view a, std::string_view b, std::string* out) {
        out->append(a).append(" ").append(b).append(" ");
      });
  text = ReplaceCharacterPairs(
      text, [](char32_t a, char32_t b) { return IsPunctuation(a) && !IsNumber(b); },
      [](std::string_view a, std::string_view b, std::string* out) {
        out->append(" ").append(a).append(" ").append(b);
      });
  std::string result;
  result.reserve(text.size() + 8);
  ForEachCharacter(text, [&](char32_t character, std::string_view bytes) {
    if (IsSymbol(character)) {
      result.append(" ").append(bytes).append(" ");
    } else {
      result.append(bytes);
    }
  });
  return result;
}

}  // namespace wavemt
