#include "data/whitespace_normalizer.h"

#include <unicode/uchar.h>

#include "support/characters.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

constexpr char32_t kZeroWidthNonJoiner = U'\u200C';
constexpr char32_t kZeroWidthJoiner = U'\u200D';

bool IsTag(char32_t character) { return character >= 0xE0020 && character <= 0xE007F; }

bool HasProperty(char32_t character, UProperty property) {
  return u_hasBinaryProperty(static_cast<UChar32>(character), property) != 0;
}

bool IsInvisible(char32_t character) {
  if (character < 0x80) return character < ' ' || character == 0x7F;  // A fast path for ASCII.
  return u_charType(static_cast<UChar32>(character)) == U_CONTROL_CHAR ||
         (character >= 0xFFF9 && character <= 0xFFFB) ||  // Interlinear annotation marks.
         HasProperty(character, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

// Whether a joiner after `previous` can change how the letters look: in scripts whose letters join,
// after a virama, and inside emoji. Follows RFC 5892, appendix A.1 and A.2.
bool MayPrecedeJoiner(char32_t previous) {
  constexpr uint8_t kVirama = 9;
  const auto character = static_cast<UChar32>(previous);
  const int joining = u_getIntPropertyValue(character, UCHAR_JOINING_TYPE);
  return u_getCombiningClass(character) == kVirama || joining == U_JT_DUAL_JOINING ||
         joining == U_JT_LEFT_JOINING || joining == U_JT_RIGHT_JOINING ||
         HasProperty(previous, UCHAR_EXTENDED_PICTOGRAPHIC) ||
         HasProperty(previous, UCHAR_EMOJI_MODIFIER) ||
         HasProperty(previous, UCHAR_VARIATION_SELECTOR);
}

// Whether an invisible character changes how the preceding one looks. `previous` is 0 at the
// beginning of a word.
bool ShapesItsNeighbours(char32_t character, char32_t previous) {
  if (previous == 0) return false;
  if (character == kZeroWidthJoiner || character == kZeroWidthNonJoiner) {
    return MayPrecedeJoiner(previous);
  }
  if (HasProperty(character, UCHAR_VARIATION_SELECTOR)) return true;
  return IsTag(character) &&
         (IsTag(previous) || HasProperty(previous, UCHAR_EXTENDED_PICTOGRAPHIC));
}

// Whether there is nothing to do, as for most lines: printable ASCII and single spaces between
// words.
bool IsPlain(std::string_view text) {
  char previous = ' ';
  for (const char c : text) {
    if (c < ' ' || c > '~' || (c == ' ' && previous == ' ')) return false;
    previous = c;
  }
  return previous != ' ';
}

}  // namespace

std::string NormalizeWhitespace(std::string_view text) {
  if (IsPlain(text)) return std::string(text);
  std::string normalized;
  normalized.reserve(text.size());
  char32_t previous = 0;  // The last character kept; 0 at the beginning of a word.
  bool space_is_due = false;
  size_t joiner_begin = std::string::npos;  // Of trailing joiners, dropped at the end of a word.
  const auto end_word = [&] {
    if (joiner_begin != std::string::npos) normalized.resize(joiner_begin);
    joiner_begin = std::string::npos;
    previous = 0;
  };
  ForEachCharacter(text, [&](char32_t character, std::string_view bytes) {
    if (IsPythonSpace(character)) {
      end_word();
      space_is_due = !normalized.empty();
      return;
    }
    if (IsInvisible(character) && !ShapesItsNeighbours(character, previous)) return;
    if (space_is_due) normalized += ' ';
    space_is_due = false;
    const bool joins = character == kZeroWidthJoiner || character == kZeroWidthNonJoiner;
    joiner_begin = !joins                              ? std::string::npos
                   : joiner_begin == std::string::npos ? normalized.size()
                                                       : joiner_begin;
    normalized += bytes;
    previous = character;
  });
  end_word();
  return normalized;
}

}  // namespace wavemt
