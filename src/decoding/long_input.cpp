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

// Whether the piece is a byte in the middle of a character that is spelled as bytes: "<0x80>" to
// "<0xBF>".
bool ContinuesCharacter(std::string_view piece) {
  return piece.size() == 6 && piece.starts_with("<0x") &&
         std::string_view("89AB").find(piece[3]) != std::string_view::npos;
}

// Where the part that begins at `begin` ends, if it must end by `limit`.
size_t EndOfPart(const std::vector<std::string>& pieces, size_t begin, size_t limit) {
  for (size_t end = limit; end > begin; --end) {
    if (EndsSentence(pieces[end - 1])) return end;
  }
  for (size_t end = limit; end > begin; --end) {
    if (pieces[end].starts_with(kWordStart)) return end;
  }
  for (size_t end = limit; end > begin; --end) {
    if (!ContinuesCharacter(pieces[end])) return end;
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

// SentencePiece needs hundreds of bytes of memory for one of text, and for many characters without
// a piece behind each other a time that grows with their square.
constexpr size_t kEncodedAtOnce = 1 << 16;

// How much of `text` is to be encoded next: up to a space, else up to a whole character.
size_t EndOfChunk(std::string_view text) {
  if (text.size() <= kEncodedAtOnce) return text.size();
  const size_t space = text.rfind(' ', kEncodedAtOnce);
  if (space != std::string_view::npos && space > 0) return space;
  size_t end = kEncodedAtOnce;
  while (end > 1 && U8_IS_TRAIL(text[end])) --end;
  return end;
}

void SplitTokens(const Tokenizer& tokenizer, std::string_view text, int64_t longest,
                 std::vector<std::vector<int32_t>>* parts) {
  const std::vector<int32_t> ids = tokenizer.Encode(text);
  if (static_cast<int64_t>(ids.size()) <= longest) {
    if (!ids.empty()) parts->push_back(ids);
    return;
  }
  const std::vector<std::string> pieces = tokenizer.EncodePieces(text);
  for (size_t begin = 0; begin < ids.size();) {
    const size_t limit = begin + static_cast<size_t>(longest);
    const size_t end = limit >= ids.size() ? ids.size() : EndOfPart(pieces, begin, limit);
    parts->emplace_back(ids.begin() + static_cast<ptrdiff_t>(begin),
                        ids.begin() + static_cast<ptrdiff_t>(end));
    begin = end;
  }
}

}  // namespace

std::vector<std::vector<int32_t>> SplitLongInput(const Tokenizer& tokenizer, std::string_view text,
                                                 int64_t longest) {
  std::vector<std::vector<int32_t>> parts;
  if (!tokenizer.IsTooLong(text, longest)) {
    SplitTokens(tokenizer, text, longest, &parts);
    return parts;
  }
  while (!text.empty()) {
    const size_t end = EndOfChunk(text);
    SplitTokens(tokenizer, text.substr(0, end), longest, &parts);
    text.remove_prefix(end);
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
