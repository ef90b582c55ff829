#include "decoding/long_input.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <array>
#include <cstddef>

namespace wavemt {
namespace {

constexpr std::string_view kWordStart = "\xE2\x96\x81";  // U+2581, SentencePiece's space.

bool EndsSentence(std::string_view piece) {
  constexpr std::array<std::string_view, 8> kEnds = {".", "!", "?", "…", "。", "！", "？", "；"};
  for (const std::string_view end : kEnds) {
    if (piece.ends_with(end)) return true;
  }
  return false;
}

// Where the part that begins at `begin` ends, if it must end by `limit`.
size_t EndOfPart(const std::vector<std::string>& pieces, size_t begin, size_t limit) {
  for (size_t end = limit; end > begin; --end) {
    if (EndsSentence(pieces[end - 1])) return end;
  }
  for (size_t end = limit; end > begin; --end) {
    if (pieces[end].starts_with(kWordStart)) return end;
  }
  return limit;
}

bool WritesNoSpaces(UChar32 character) {
  UErrorCode ignored = U_ZERO_ERROR;
  // As wide as Chinese characters, but with spaces between words.
  if (uscript_getScript(character, &ignored) == USCRIPT_HANGUL) return false;
  const int width = u_getIntPropertyValue(character, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_FULLWIDTH || width == U_EA_WIDE;
}

UChar32 FirstCharacter(std::string_view text) {
  UChar32 character = 0;
  size_t i = 0;
  U8_NEXT(text.data(), i, text.size(), character);
  return character;
}

UChar32 LastCharacter(std::string_view text) {
  constexpr size_t kLongestCharacter = 4;
  if (text.size() > kLongestCharacter) text.remove_prefix(text.size() - kLongestCharacter);
  UChar32 character = 0;
  auto i = static_cast<int32_t>(text.size());
  U8_PREV(text.data(), 0, i, character);
  return character;
}

}  // namespace

std::vector<std::vector<int32_t>> SplitLongInput(const Tokenizer& tokenizer, std::string_view text,
                                                 int64_t longest) {
  const std::vector<int32_t> ids = tokenizer.Encode(text);
  const std::vector<std::string> pieces = tokenizer.EncodePieces(text);
  std::vector<std::vector<int32_t>> parts;
  for (size_t begin = 0; begin < ids.size();) {
    const size_t limit = begin + static_cast<size_t>(longest);
    const size_t end = limit >= ids.size() ? ids.size() : EndOfPart(pieces, begin, limit);
    parts.emplace_back(ids.begin() + static_cast<ptrdiff_t>(begin),
                       ids.begin() + static_cast<ptrdiff_t>(end));
    begin = end;
  }
  return parts;
}

std::string JoinParts(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    const bool joins =
        text.empty() || WritesNoSpaces(LastCharacter(text)) || WritesNoSpaces(FirstCharacter(part));
    if (!joins) text += ' ';
    text += part;
  }
  return text;
}

}  // namespace wavemt
