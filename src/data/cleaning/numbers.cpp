#include "data/cleaning/numbers.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "support/characters.h"

namespace wavemt {
namespace {

constexpr size_t kThousands = 3;  // Digits of a group.

// The value of a decimal digit, or -1.
int DigitValue(char32_t character) {
  if (character < 0x80) {
    return character >= '0' && character <= '9' ? static_cast<int>(character - '0') : -1;
  }
  return u_charDigitValue(static_cast<UChar32>(character));
}

// The usual ones, the Arabic one, and the spaces that keep a number on one line.
bool SeparatesThousands(char32_t character) {
  constexpr std::u32string_view kSeparators = U",.' \u00A0\u2009\u202F\u2019\u066C\uFF0C";
  return kSeparators.find(character) != std::u32string_view::npos;
}

// A run of digits from byte `i` on, of which there may be none; advances `i` past it.
std::string TakeDigits(std::string_view text, size_t& i) {
  std::string digits;
  while (i < text.size()) {
    size_t next = i;
    const int value = DigitValue(NextCharacter(text, next));
    if (value < 0) break;
    digits += static_cast<char>('0' + value);
    i = next;
  }
  return digits;
}

// Appends groups of three digits, all with the same separator before them.
void TakeGroups(std::string_view text, size_t& i, std::string* number) {
  char32_t separator = 0;
  while (i < text.size()) {
    size_t next = i;
    const char32_t character = NextCharacter(text, next);
    if (!SeparatesThousands(character) || (separator != 0 && character != separator)) return;
    const std::string group = TakeDigits(text, next);
    if (group.size() != kThousands) return;
    separator = character;
    *number += group;
    i = next;
  }
}

}  // namespace

std::vector<std::string> NumbersOf(std::string_view text) {
  std::vector<std::string> numbers;
  for (size_t i = 0; i < text.size();) {
    std::string number = TakeDigits(text, i);
    if (number.empty()) {
      NextCharacter(text, i);
      continue;
    }
    if (number.size() <= kThousands && number.front() != '0') TakeGroups(text, i, &number);
    number.erase(0, number.find_first_not_of('0'));
    if (number.size() >= 2) numbers.push_back(std::move(number));
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

}  // namespace wavemt
