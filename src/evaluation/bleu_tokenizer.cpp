#include "evaluation/bleu_tokenizer.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <utility>

#include "evaluation/whitespace.h"

namespace wavemt {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsPeriodOrComma(char c) { return c == '.' || c == ','; }

// [\{-\~\[-\` -\&\(-\+\:-\@\/]: ASCII punctuation that always stands alone.
bool StandsAlone(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

void ReplaceAll(std::string* text, std::string_view from, std::string_view to) {
  for (size_t place = text->find(from); place != std::string::npos;
       place = text->find(from, place + to.size())) {
    text->replace(place, from.size(), to);
  }
}

// Replaces each pair of neighbours for which `matches` holds by first, `between`..., as a regular
// expression of two characters does: a matched pair is used up. The patterns of sacreBLEU's
// tokenizers name ASCII characters or their complement only, so that bytes serve for characters.
template <typename Matches, typename Emit>
std::string ReplacePairs(std::string_view text, const Matches& matches, const Emit& emit) {
  std::string result;
  result.reserve(text.size() * 2);
  size_t i = 0;
  while (i < text.size()) {
    if (i + 1 < text.size() && matches(text[i], text[i + 1])) {
      emit(text[i], text[i + 1], &result);
      i += 2;
    } else {
      result += text[i++];
    }
  }
  return result;
}

// sacreBLEU's tokenizer_re.py, the part that 13a and zh share.
std::string SplitPunctuation(std::string_view line) {
  std::string text;
  text.reserve(line.size() * 2);
  for (const char c : line) {
    if (StandsAlone(c)) {
      text += ' ';
      text += c;
      text += ' ';
    } else {
      text += c;
    }
  }
  // Period and comma stand alone unless a digit precedes, ...
  text = ReplacePairs(
      text, [](char a, char b) { return !IsDigit(a) && IsPeriodOrComma(b); },
      [](char a, char b, std::string* out) { out->append({a, ' ', b, ' '}); });
  // ... unless a digit follows, ...
  text = ReplacePairs(
      text, [](char a, char b) { return IsPeriodOrComma(a) && !IsDigit(b); },
      [](char a, char b, std::string* out) { out->append({' ', a, ' ', b}); });
  // ... and a dash stands alone behind a digit.
  return ReplacePairs(
      text, [](char a, char b) { return IsDigit(a) && b == '-'; },
      [](char a, char b, std::string* out) { out->append({a, ' ', b, ' '}); });
}

std::string Tokenize13a(std::string_view line) {
  std::string text(line);
  ReplaceAll(&text, "<skipped>", "");
  ReplaceAll(&text, "&quot;", "\"");
  ReplaceAll(&text, "&amp;", "&");
  ReplaceAll(&text, "&lt;", "<");
  ReplaceAll(&text, "&gt;", ">");
  return SplitPunctuation(" " + text + " ");
}

// The ranges of sacreBLEU's tokenizer_zh.py as they act: it writes two of them, meant for planes
// beyond U+FFFF, as "\u20000" and "\u2f800", which Python reads as U+2000 and "0", U+2F80 and "0".
bool IsChinese(UChar32 c) {
  constexpr std::array<std::pair<UChar32, UChar32>, 22> kRanges = {{
      {0x3400, 0x4DB5}, {0x4E00, 0x9FA5}, {0x9FA6, 0x9FBB}, {0xF900, 0xFA2D}, {0xFA30, 0xFA6A},
      {0xFA70, 0xFAD9}, {0x2001, 0x2A6D}, {0x2F81, 0x2FA1}, {0xFF00, 0xFFEF}, {0x2E80, 0x2EFF},
      {0x3000, 0x303F}, {0x31C0, 0x31EF}, {0x2F00, 0x2FDF}, {0x2FF0, 0x2FFF}, {0x3100, 0x312F},
      {0x31A0, 0x31BF}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F}, {0x2600, 0x26FF}, {0x2700, 0x27BF},
      {0x3200, 0x32FF}, {0x3300, 0x33FF},
  }};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [c](const auto& range) { return c >= range.first && c <= range.second; });
}

// Calls `visit(code point, its bytes)` for every character.
template <typename Visit>
void ForEachCharacter(std::string_view text, const Visit& visit) {
  for (size_t i = 0; i < text.size();) {
    const size_t start = i;
    UChar32 character = 0;
    U8_NEXT_UNSAFE(text.data(), i, character);
    visit(character, text.substr(start, i - start));
  }
}

std::string TokenizeZh(std::string_view line) {
  std::string text;
  ForEachCharacter(Strip(line), [&](UChar32 character, std::string_view bytes) {
    if (IsChinese(character)) {
      text += ' ';
      text += bytes;
      text += ' ';
    } else {
      text += bytes;
    }
  });
  return SplitPunctuation(text);
}

std::string TokenizeChar(std::string_view line) {
  std::string text;
  ForEachCharacter(line, [&](UChar32, std::string_view bytes) {
    if (!text.empty()) text += ' ';
    text += bytes;
  });
  return text;
}

}  // namespace

std::string TokenizeForBleu(std::string_view line, EvaluationTokenizer tokenizer) {
  line = StripRight(line);
  switch (tokenizer) {
    case EvaluationTokenizer::kAuto:
    case EvaluationTokenizer::k13a:
      return Tokenize13a(line);
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
  const bool chinese = language == "zh" || language.starts_with("zh-") || language.starts_with("zh_");
  return chinese ? EvaluationTokenizer::kZh : EvaluationTokenizer::k13a;
}

}  // namespace wavemt
