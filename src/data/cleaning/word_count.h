#pragma once

#include <cstdint>
#include <string_view>

namespace wavemt {

struct TextSize {
  int64_t words = 0;
  int64_t characters = 0;
};

/// The words and characters of UTF-8 text. White space separates words. In scripts that are written
/// without spaces, a word has about as many letters as words of these languages have on average:
/// one of Han, two of Hiragana and Katakana, four of Thai, Lao, Khmer and Myanmar. Other characters
/// beside such letters are a word if there is a letter or digit among them, so "在iPhone上," has
/// three. Between two spaces, the sum is rounded up.
TextSize SizeOfText(std::string_view text);

}  // namespace wavemt
