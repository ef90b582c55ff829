#include "data/cleaning/bad_encoding.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "support/characters.h"

namespace wavemt {
namespace {

// Windows-1252's characters for the bytes 0x80 to 0x9F; U+0000: none.
constexpr std::array<char32_t, 32> kWindowsCharacters = {
    U'€', 0,    U'‚', U'ƒ', U'„', U'…', U'†', U'‡', U'ˆ', U'‰', U'Š', U'‹', U'Œ', 0, U'Ž', 0,
    0,    U'‘', U'’', U'“', U'”', U'•', U'–', U'—', U'˜', U'™', U'š', U'›', U'œ', 0, U'ž', U'Ÿ'};

// The byte of a character in Windows-1252; 0 for ASCII and for characters that it lacks.
uint8_t WindowsByte(char32_t character) {
  if (character < 0xA0) return 0;
  if (character <= 0xFF) return static_cast<uint8_t>(character);
  const auto* found = std::find(kWindowsCharacters.begin(), kWindowsCharacters.end(), character);
  if (found == kWindowsCharacters.end()) return 0;
  return static_cast<uint8_t>(0x80 + (found - kWindowsCharacters.begin()));
}

bool IsContinuation(uint8_t byte) { return byte >= 0x80 && byte <= 0xBF; }

constexpr uint8_t kNoBreakSpace = 0xA0;
constexpr uint8_t kOpeningQuote = 0xAB;  // «

// Punctuation that follows words, as bytes of Windows-1252: quotation marks, dashes, an ellipsis, a
// no-break space; and the soft hyphen.
bool FollowsWords(uint8_t byte) {
  constexpr std::string_view kBytes =
      "\x82\x84\x85\x8B\x91\x92\x93\x94\x96\x97\x9B\xA0\xAB\xAD\xBB";
  return kBytes.find(static_cast<char>(byte)) != std::string_view::npos;
}

// Signs that follow words in capitals, as "IRMÃ®" has one: ª, ®, ², ³, ¹, º.
bool IsSignAfterName(uint8_t byte) {
  constexpr std::string_view kBytes = "\xAA\xAE\xB2\xB3\xB9\xBA";
  return kBytes.find(static_cast<char>(byte)) != std::string_view::npos;
}

bool IsUpper(char32_t character) { return u_isupper(static_cast<UChar32>(character)) != 0; }
bool IsLower(char32_t character) { return u_islower(static_cast<UChar32>(character)) != 0; }
bool IsLetter(char32_t character) { return u_isalpha(static_cast<UChar32>(character)) != 0; }

class Disguises {
 public:
  explicit Disguises(std::u32string_view text) : text_(text) {}

  bool Any() const {
    for (size_t i = 0; i < text_.size(); ++i) {
      const size_t length = LengthAt(i);
      if (length > 0 && (LengthAt(i + length) > 0 || IsTraceAlone(i, length))) return true;
      // The third character is lost where it was not printable.
      if (ByteAt(i) == 0xE2 && ByteAt(i + 1) == 0x80) return true;
    }
    return false;
  }

 private:
  char32_t At(size_t i) const { return i < text_.size() ? text_[i] : U' '; }
  uint8_t ByteAt(size_t i) const { return WindowsByte(At(i)); }

  // How many characters from `i` on are one in disguise; 0: none.
  size_t LengthAt(size_t i) const {
    const uint8_t lead = ByteAt(i);
    const size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    for (size_t k = 1; k < length; ++k) {
      if (!IsContinuation(ByteAt(i + k))) return 0;
    }
    return length;
  }

  bool IsTraceAlone(size_t i, size_t length) const {
    const uint8_t lead = ByteAt(i);
    const uint8_t second = ByteAt(i + 1);
    if (length == 4) return lead == 0xF0 && second == 0x9F;
    if (length == 3) return IsTraceOfThree(lead, second, ByteAt(i + 2));
    const char32_t before = i > 0 ? text_[i - 1] : U' ';
    if (IsUpper(text_[i]) && IsLower(before)) return true;
    if (lead > 0xC3) return false;
    // The name "LÃ³pez" goes on with a small letter, the capitals "IRMÃ®" do not.
    if (IsSignAfterName(second) && IsUpper(before)) return IsLower(At(i + 2));
    if (!FollowsWords(second)) return true;
    if (IsLetter(before)) return false;
    return second == kNoBreakSpace || second == kOpeningQuote || IsLetter(At(i + 2));
  }

  static bool IsTraceOfThree(uint8_t lead, uint8_t second, uint8_t third) {
    switch (lead) {
      case 0xE1:
        return (second == 0xBA || second == 0xBB) && !FollowsWords(third);
      case 0xE2:
        return second == 0x82 || second == 0x84 || second == 0x86;
      case 0xEF:
        return (second == 0xBB && third == 0xBF) || (second == 0xBF && third == 0xBD);
      default:
        return false;
    }
  }

  std::u32string_view text_;
};

}  // namespace

bool HasBadEncoding(std::string_view text) {
  bool may_have_disguises = false;
  for (size_t i = 0; i < text.size();) {
    const char32_t character = NextCharacter(text, i);
    if (character == U'\uFFFD' || (character < 0x20 && character != U'\t') ||
        (character >= 0x7F && character < 0xA0)) {
      return true;
    }
    may_have_disguises = may_have_disguises || (character >= 0xC2 && character <= 0xF4);
  }
  if (!may_have_disguises) return false;
  std::u32string characters;
  for (size_t i = 0; i < text.size();) characters.push_back(NextCharacter(text, i));
  return Disguises(characters).Any();
}

}  // namespace wavemt
