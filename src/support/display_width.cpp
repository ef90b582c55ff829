#include "support/display_width.h"

#include <unicode/uchar.h>

#include <cstddef>
#include <cstdint>

#include "support/characters.h"

namespace wavemt {
namespace {

int ColumnsOf(char32_t character) {
  constexpr char32_t kSoftHyphen = 0xAD;  // A format character that terminals show.
  const auto code = static_cast<UChar32>(character);
  switch (u_charType(code)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_CONTROL_CHAR:
      return 0;
    case U_FORMAT_CHAR:
      return character == kSoftHyphen ? 1 : 0;
    default:
      break;
  }
  // Vowels and final consonants of Korean, which are drawn into the syllable before them.
  if (character >= 0x1160 && character <= 0x11FF) return 0;
  const int width = u_getIntPropertyValue(code, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_FULLWIDTH || width == U_EA_WIDE ? 2 : 1;
}

// Whether a terminal would do something at this character, or show nothing.
bool MustNotBeShown(char32_t character) {
  constexpr char32_t kJoiners[] = {0x200C, 0x200D};  // Which words of many languages need.
  if (character == kJoiners[0] || character == kJoiners[1]) return false;
  switch (u_charType(static_cast<UChar32>(character))) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
      return true;
    default:
      return false;
  }
}

}  // namespace

int DisplayWidth(std::string_view text) {
  int width = 0;
  ForEachCharacter(
      text, [&](char32_t character, std::string_view /*bytes*/) { width += ColumnsOf(character); });
  return width;
}

std::string_view CutToWidth(std::string_view text, int width) {
  size_t end = 0;
  for (size_t i = 0; i < text.size(); end = i) {
    width -= ColumnsOf(NextCharacter(text, i));
    if (width < 0) break;
  }
  return text.substr(0, end);
}

std::string Shortened(std::string_view text, int width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width < 1) return "";
  return std::string(CutToWidth(text, width - 1)) + "…";
}

std::string Displayable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  ForEachCharacter(text, [&](char32_t character, std::string_view bytes) {
    constexpr char32_t kReplacement = 0xFFFD;  // Also what ForEachCharacter() says of bad bytes.
    if (character == '\t') {
      shown += ' ';
    } else if (character == kReplacement || MustNotBeShown(character)) {
      shown += "\uFFFD";
    } else {
      shown += bytes;
    }
  });
  return shown;
}

}  // namespace wavemt
