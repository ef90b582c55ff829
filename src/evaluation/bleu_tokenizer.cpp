#include "evaluation/bleu_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "config/config_fields.h"
#include "evaluation/intl_tokenizer.h"
#include "evaluation/punctuation.h"
#include "support/characters.h"
#include "support/error.h"
#include "support/suggestion.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

std::string Tokenize13a(std::string_view line) {
  return SeparatePunctuation(
      fmt::format(" {} ", ReplaceEntities(ReplaceAll(line, "<skipped>", ""))));
}

// The effective ranges of sacreBLEU's tokenizer_zh.py. It writes two of them, intended for planes
// beyond U+FFFF, as "\u20000" and "\u2f800", which Python reads as U+2000 "0" and U+2F80 "0".
bool IsChinese(char32_t c) {
  if (c < 0x2001) return false;
  constexpr std::array<std::pair<char32_t, char32_t>, 22> kRanges = {{
      {0x3400, 0x4DB5}, {0x4E00, 0x9FA5}, {0x9FA6, 0x9FBB}, {0xF900, 0xFA2D}, {0xFA30, 0xFA6A},
      {0xFA70, 0xFAD9}, {0x2001, 0x2A6D}, {0x2F81, 0x2FA1}, {0xFF00, 0xFFEF}, {0x2E80, 0x2EFF},
      {0x3000, 0x303F}, {0x31C0, 0x31EF}, {0x2F00, 0x2FDF}, {0x2FF0, 0x2FFF}, {0x3100, 0x312F},
      {0x31A0, 0x31BF}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F}, {0x2600, 0x26FF}, {0x2700, 0x27BF},
      {0x3200, 0x32FF}, {0x3300, 0x33FF},
  }};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [c](const auto& range) { return c >= range.first && c <= range.second; });
}

std::string TokenizeZh(std::string_view line) {
  std::string text;
  text.reserve(line.size() * 2);
  ForEachCharacter(Strip(line), [&](char32_t character, std::string_view bytes) {
    if (IsChinese(character)) {
      text.append(" ").append(bytes).append(" ");
    } else {
      text.append(bytes);
    }
  });
  return SeparatePunctuation(text);
}

std::string TokenizeChar(std::string_view line) {
  std::string text;
  text.reserve(line.size() * 2);
  ForEachCharacter(line, [&](char32_t, std::string_view bytes) { text.append(bytes).append(" "); });
  return text;
}

// Why a tokenizer of sacreBLEU is not supported; "" if sacreBLEU does not have it either.
std::string_view WhyMissing(std::string_view name) {
  if (name == "ja-mecab" || name == "ko-mecab") {
    return "needs MeCab with one particular dictionary, whose words decide the score; take char "
           "here, or score with sacreBLEU where that dictionary is installed";
  }
  if (name == "spm" || name == "flores101" || name == "flores200" || name == "spBLEU-1K") {
    return "needs a SentencePiece model that sacreBLEU downloads; encode both files with that "
           "model (`wavemt tokenizer encode`) and take none";
  }
  return "";
}

}  // namespace

std::string TokenizeForBleu(std::string_view line, EvaluationTokenizer tokenizer) {
  line = StripRight(line);
  switch (tokenizer) {
    case EvaluationTokenizer::kAuto:
    case EvaluationTokenizer::k13a:
      return Tokenize13a(line);
    case EvaluationTokenizer::kIntl:
      return TokenizeIntl(line);
    case EvaluationTokenizer::kZh:
      return TokenizeZh(line);
    case EvaluationTokenizer::kChar:
      return TokenizeChar(line);
    case EvaluationTokenizer::kNone:
      return std::string(line);
  }
  return {};
}

EvaluationTokenizer TokenizerForLanguage(std::string_view language) {
  const bool chinese =
      language == "zh" || language.starts_with("zh-") || language.starts_with("zh_");
  return chinese ? EvaluationTokenizer::kZh : EvaluationTokenizer::k13a;
}

EvaluationTokenizer ParseBleuTokenizer(std::string_view name, std::string_view option) {
  std::vector<std::string> names;
  for (const auto& [known, value] : NamesOf(EvaluationTokenizer{})) {
    if (value == EvaluationTokenizer::kAuto) continue;
    if (known == name) return value;
    names.emplace_back(known);
  }
  if (const std::string_view why = WhyMissing(name); !why.empty()) {
    throw UsageError("{} {}: {}", option, name, why);
  }
  throw UsageError("{} {}: is unknown{}; use 13a, intl, zh, char or none", option, name,
                   DidYouMean(name, names));
}

}  // namespace wavemt
