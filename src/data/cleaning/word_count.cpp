#include "data/cleaning/word_count.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include "support/characters.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

constexpr char32_t kFirstOfThai = 0x0E00;  // No script without spaces begins before it.

// REQUIRES: `character` is a letter.
bool IsWrittenWithoutSpaces(char32_t character) {
  if (character < kFirstOfThai) return false;
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(static_cast<UChar32>(character), &error)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return true;
    default:
      return false;
  }
}

class WordCounter {
 public:
  void Take(char32_t character) {
    if (IsPythonSpace(character)) {
      EndText();
      return;
    }
    in_text_ = true;
    const auto code = static_cast<UChar32>(character);
    const bool is_letter = u_isalpha(code) != 0;
    if (is_letter && IsWrittenWithoutSpaces(character)) {
      EndRun();
      ++words_;
      ++words_of_text_;
    } else if (!run_is_word_) {
      run_is_word_ = is_letter || u_isdigit(code) != 0;
    }
  }

  int64_t Finish() {
    EndText();
    return words_;
  }

 private:
  // A run of characters that are no words by themselves.
  void EndRun() {
    if (!run_is_word_) return;
    ++words_;
    ++words_of_text_;
    run_is_word_ = false;
  }

  // What stands between two spaces is at least one word.
  void EndText() {
    EndRun();
    if (in_text_ && words_of_text_ == 0) ++words_;
    in_text_ = false;
    words_of_text_ = 0;
  }

  int64_t words_ = 0;
  int64_t words_of_text_ = 0;
  bool in_text_ = false;
  bool run_is_word_ = false;
};

}  // namespace

TextSize SizeOfText(std::string_view text) {
  TextSize size;
  WordCounter counter;
  for (size_t i = 0; i < text.size(); ++size.characters) counter.Take(NextCharacter(text, i));
  size.words = counter.Finish();
  return size;
}

}  // namespace wavemt
