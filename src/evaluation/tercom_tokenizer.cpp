#include "evaluation/tercom_tokenizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "evaluation/lowercase.h"
#include "evaluation/punctuation.h"
#include "support/characters.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

using CharacterRange = std::pair<char32_t, char32_t>;

// As in sacreBLEU's tokenizer_ter.py: ideographs, radicals, strokes, and U+3200 to U+3F22, which it
// takes for enclosed CJK letters.
constexpr CharacterRange kIdeographs[] = {{0x4E00, 0x9FFF}, {0x3400, 0x4DBF}, {0x31C0, 0x31EF},
                                          {0x2E80, 0x2EFF}, {0x3300, 0x33FF}, {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE4F}, {0x3200, 0x3F22}};

constexpr CharacterRange kAsianPunctuation[] = {
    {0x3001, 0x3002}, {0x3008, 0x3011}, {0x3014, 0x301F}, {0xFF61, 0xFF65},
    {0x30FB, 0x30FB}, {0xFF0E, 0xFF0E}, {0xFF0C, 0xFF0C}, {0xFF1F, 0xFF1F},
    {0xFF1A, 0xFF1B}, {0xFF01, 0xFF02}, {0xFF08, 0xFF09}};

constexpr std::string_view kPunctuation = ".,?:;!\"()";

bool IsIn(std::span<const CharacterRange> ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const auto& range) { return c >= range.first && c <= range.second; });
}

// Kana are not separated: sacreBLEU's patterns for them only match at the beginning of a line, but
// a normalized line begins with a space.
std::string SeparateAsian(std::string_view text) {
  std::string result;
  result.reserve(text.size() * 2);
  ForEachCharacter(text, [&](char32_t character, std::string_view bytes) {
    if (IsIn(kIdeographs, character) || IsIn(kAsianPunctuation, character)) {
      result.append(" ").append(bytes).append(" ");
    } else {
      result.append(bytes);
    }
  });
  return result;
}

std::string WithoutPunctuation(std::string_view text, bool asian_support) {
  std::string result;
  result.reserve(text.size());
  ForEachCharacter(text, [&](char32_t character, std::string_view bytes) {
    const bool western =
        bytes.size() == 1 && kPunctuation.find(bytes.front()) != std::string_view::npos;
    if (western || (asian_support && IsIn(kAsianPunctuation, character))) return;
    result.append(bytes);
  });
  return result;
}

std::string WithSingleSpaces(std::string_view text) {
  std::vector<std::string_view> words;
  SplitOnSpace(text, &words);
  return fmt::format("{}", fmt::join(words, " "));
}

std::string TokenizeOnce(std::string_view line, const TercomOptions& options) {
  std::string text = options.case_sensitive ? std::string(line) : Lowercase(line);
  if (options.normalized && !text.empty()) {
    text = SeparatePunctuation(fmt::format(" {} ", ReplaceEntities(text)), Possessive::kSplit);
    if (options.asian_support) text = SeparateAsian(text);
  }
  if (options.no_punct) text = WithoutPunctuation(text, options.asian_support);
  return text;
}

}  // namespace

std::string TokenizeForTer(std::string_view line, TerSide side, const TercomOptions& options) {
  std::string text = TokenizeOnce(StripRight(line), options);
  // sacreBLEU tokenizes references twice. The second pass splits the "'s" off "it's .", which the
  // first pass made from "it's.". Without normalization, the second pass changes nothing.
  if (side == TerSide::kReference && options.normalized) {
    text = TokenizeOnce(WithSingleSpaces(text), options);
  }
  return text;
}

}  // namespace wavemt
