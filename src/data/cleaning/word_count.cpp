#include "data/cleaning/word_count.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>

#include "support/characters.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

constexpr char32_t kFirstOfThai = 0x0E00;  // No script without spaces begins before it.

// What a letter adds to the words, in quarters of a word.
constexpr int64_t kQuarters = 4;

// What a letter of a script without spaces adds; 0: of another script. REQUIRES: `character` is a
// letter.
int64_t QuartersOfLetter(char32_t character) {
  if (character < kFirstOfThai) return 0;
  const auto code = static_cast<UChar32>(character);
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(code, &error)) {
    case USCRIPT_HAN:
      return kQuarters;
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
      return kQuarters / 2;
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return kQuarters / 4;
    case USCRIPT_COMMON:  // Japanese's long vowel mark is both Hiragana and Katakana.
      return uscript_hasScript(code, USCRIPT_KATAKANA) != 0 ? kQuarters / 2 : 0;
    default:
      return 0;
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
    if (const int64_t quarters = is_letter ? QuartersOfLetter(character) : 0; quarters > 0) {
      EndRun();
      quarters_of_text_ += quarters;
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
    if (run_is_word_) quarters_of_text_ += kQuarters;
    run_is_word_ = false;
  }

  // What stands between two spaces is at least one word, and a whole number of them.
  void EndText() {
    EndRun();
    const int64_t words = (quarters_of_text_ + kQuarters - 1) / kQuarters;
    if (in_text_) words_ += std::max(words, int64_t{1});
    in_text_ = false;
    quarters_of_text_ = 0;
  }

  int64_t words_ = 0;
  int64_t quarters_of_text_ = 0;  // Of the text since the last space.
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
