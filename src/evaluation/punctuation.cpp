#include "evaluation/punctuation.h"

namespace wavemt {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsPeriodOrComma(char c) { return c == '.' || c == ','; }

// [\{-\~\[-\` -\&\(-\+\:-\@\/]: characters that are always separated, and the space.
bool StandsAlone(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

// Replaces each pair of adjacent bytes that satisfies `matches` by the output of `emit`. As with a
// regular expression, matches do not overlap. Bytes can stand in for characters because the
// patterns consist of ASCII characters and their complements.
template <typename Matches, typename Emit>
std::string ReplaceBytePairs(std::string_view text, const Matches& matches, const Emit& emit) {
  std::string result;
  result.reserve(text.size() + text.size() / 4 + 8);
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

void AppendFirstThenApart(char a, char b, std::string* out) { out->append({a, ' ', b, ' '}); }
void AppendApartThenSecond(char a, char b, std::string* out) { out->append({' ', a, ' ', b}); }

}  // namespace

std::string ReplaceAll(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  size_t begin = 0;
  for (size_t found = text.find(from); found != std::string_view::npos;
       found = text.find(from, begin)) {
    result.append(text, begin, found - begin).append(to);
    begin = found + from.size();
  }
  return result.append(text, begin);
}

std::string ReplaceEntities(std::string_view line) {
  std::string text(line);
  if (text.find('&') == std::string::npos) return text;
  text = ReplaceAll(text, "&quot;", "\"");
  text = ReplaceAll(text, "&amp;", "&");
  text = ReplaceAll(text, "&lt;", "<");
  return ReplaceAll(text, "&gt;", ">");
}

std::string SeparatePunctuation(std::string_view line, Possessive possessive) {
  std::string text;
  text.reserve(line.size() * 2);
  for (const char c : line) {
    if (StandsAlone(c)) {
      text.append({' ', c, ' '});
    } else {
      text += c;
    }
  }
  if (possessive == Possessive::kSplit) text = ReplaceAll(text, "'s ", " 's ");
  // Separate a period or comma that does not follow a digit, ...
  text = ReplaceBytePairs(
      text, [](char a, char b) { return !IsDigit(a) && IsPeriodOrComma(b); }, AppendFirstThenApart);
  // ... one that does not precede a digit, ...
  text = ReplaceBytePairs(
      text, [](char a, char b) { return IsPeriodOrComma(a) && !IsDigit(b); },
      AppendApartThenSecond);
  // ... and a dash after a digit.
  return ReplaceBytePairs(
      text, [](char a, char b) { return IsDigit(a) && b == '-'; }, AppendFirstThenApart);
}

}  // namespace wavemt
