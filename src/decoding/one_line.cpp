#include "decoding/one_line.h"

#include <unicode/uchar.h>

#include "support/characters.h"

namespace wavemt {
namespace {

bool BreaksLines(char32_t character) {
  switch (u_charType(static_cast<UChar32>(character))) {
    case U_CONTROL_CHAR:  // NUL, line feed, carriage return, U+0085, escape and so on.
      return character != '\t';
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string OnOneLine(std::string_view text) {
  constexpr std::string_view kReplacement = "\uFFFD";
  std::string line;
  line.reserve(text.size());
  ForEachCharacter(text, [&](char32_t character, std::string_view bytes) {
    if (BreaksLines(character)) {
      line += ' ';
    } else {
      line += character == U'\uFFFD' ? kReplacement : bytes;
    }
  });
  return line;
}

}  // namespace wavemt
