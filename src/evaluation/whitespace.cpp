#include "evaluation/whitespace.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace wavemt {
namespace {

// The character that begins at `i`; `i` moves behind it. ASCII, most of most text, goes fast.
UChar32 NextCharacter(std::string_view text, size_t& i) {
  const auto byte = static_cast<uint8_t>(text[i]);
  if (byte < 0x80) {
    ++i;
    return byte;
  }
  UChar32 character = 0;
  U8_NEXT_UNSAFE(text.data(), i, character);
  return character;
}

}  // namespace

bool IsPythonSpace(int32_t code_point) {
  if (code_point < 0x80) {
    return code_point == ' ' || (code_point >= '\t' && code_point <= '\r') ||
           (code_point >= 0x1C && code_point <= 0x1F);
  }
  return u_isUWhiteSpace(code_point) != 0;
}

std::string_view StripRight(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t i = end;
    UChar32 character = 0;
    U8_PREV_UNSAFE(text.data(), i, character);
    if (!IsPythonSpace(character)) break;
    end = i;
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
