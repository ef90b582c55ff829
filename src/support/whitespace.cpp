#include "support/whitespace.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "support/characters.h"

namespace wavemt {

bool IsPythonSpace(char32_t character) {
  if (character < 0x80) {
    return character == ' ' || (character >= '\t' && character <= '\r') ||
           (character >= 0x1C && character <= 0x1F);
  }
  return u_isUWhiteSpace(static_cast<UChar32>(character)) != 0;
}

std::string_view StripRight(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t begin = end - 1;
    while (begin > 0 && U8_IS_TRAIL(text[begin])) --begin;
    size_t i = begin;
    if (!IsPythonSpace(NextCharacter(text, i)) || i != end) break;
    end = begin;
  }
  return text.substr(0, end);
}

std::string_view Strip(std::string_view text) {
  text = StripRight(text);
  for (size_t i = 0; i < text.size();) {
    const size_t start = i;
    if (!IsPythonSpace(NextCharacter(text, i))) return text.substr(start);
  }
  return {};
}

void SplitOnSpace(std::string_view text, std::vector<std::string_view>* words) {
  words->clear();
  size_t word_start = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t start = i;
    if (!IsPythonSpace(NextCharacter(text, i))) continue;
    if (start > word_start) words->push_back(text.substr(word_start, start - word_start));
    word_start = i;
  }
  if (text.size() > word_start) words->push_back(text.substr(word_start));
}

}  // namespace wavemt
