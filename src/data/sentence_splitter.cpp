#include "data/sentence_splitter.h"

#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "support/characters.h"
#include "support/error.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

void CheckIcu(UErrorCode status) {
  if (U_FAILURE(status)) throw Failure("ICU's sentence iterator: {}", u_errorName(status));
}

// "el" for "el-GR". Empty, which is ICU's name for the rules that most languages share, if
// `language` is not a language code.
std::string LocaleOf(const std::string& language) {
  const std::string code = language.substr(0, language.find_first_of("-_."));
  const bool is_code = (code.size() == 2 || code.size() == 3) &&
                       std::ranges::all_of(code, [](unsigned char c) { return std::isalpha(c); });
  return is_code ? code : "";
}

// Whether the text begins with a single letter and a full stop.
bool BeginsWithInitial(std::string_view text) {
  size_t i = 0;
  return !text.empty() && u_isalpha(static_cast<UChar32>(NextCharacter(text, i))) != 0 &&
         text.substr(i).starts_with('.');
}

// Whether the full stop at the end of `before` belongs to an initial or abbreviation of single
// letters, as in "U.S.", "p.m.", "J." or the first half of "z. B.". A single lower-case letter
// alone is not an initial, and neither is "I", which is an English word.
bool EndsWithInitial(std::string_view before, std::string_view after) {
  if (!before.ends_with('.')) return false;
  before.remove_suffix(1);
  if (before.empty()) return false;
  size_t begin = 0;
  const auto letter = static_cast<UChar32>(LastCharacter(before, &begin));
  const bool is_capital = u_isupper(letter) != 0;
  if (!is_capital && !u_islower(letter)) return false;  // The script has no initials.
  before = before.substr(0, begin);
  if (!before.empty() && u_isalnum(static_cast<UChar32>(LastCharacter(before, &begin)))) {
    return false;  // A longer word, as in "go.".
  }
  const bool is_chain = StripRight(before).ends_with('.') || BeginsWithInitial(after);
  return is_chain || (is_capital && letter != 'I');
}

// Whether the text ends with a title or another abbreviation that precedes a name or a number.
bool EndsWithTitle(std::string_view text) {
  constexpr std::string_view kTitles[] = {
      "Mr",  "Mrs", "Ms",  "Dr", "Prof", "St",  "Rev", "Gen",  "Col", "Sgt",  "Capt", "Lt",
      "Gov", "Sen", "Fig", "Hr", "Nr",   "Abb", "Mme", "Mlle", "Sra", "Srta", "Dra",  "vs"};
  if (!text.ends_with('.')) return false;
  text.remove_suffix(1);
  size_t begin = text.size();
  while (begin > 0 && std::isalpha(static_cast<unsigned char>(text[begin - 1]))) --begin;
  if (begin > 0 && !U8_IS_SINGLE(text[begin - 1])) return false;  // Only the end of a word.
  return std::ranges::find(kTitles, text.substr(begin)) != std::end(kTitles);
}

bool BeginsWithSmallLetter(std::string_view text) {
  size_t i = 0;
  return !text.empty() && u_islower(static_cast<UChar32>(NextCharacter(text, i))) != 0;
}

// Whether the text ends with a closing quote or bracket.
bool EndsWithClosing(std::string_view text) {
  if (text.empty()) return false;
  size_t begin = 0;
  const auto last = static_cast<UChar32>(LastCharacter(text, &begin));
  const int8_t type = u_charType(last);
  return last == '"' || last == '\'' || type == U_END_PUNCTUATION || type == U_FINAL_PUNCTUATION;
}

bool HoldsWord(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (u_isalnum(static_cast<UChar32>(NextCharacter(text, i)))) return true;
  }
  return false;
}

// The position of the opening quotes and brackets at the end of `text`, which ICU attaches to the
// sentence before them; text.size() if there are none.
size_t BeginOfOpening(std::string_view text) {
  while (!text.empty()) {
    size_t begin = 0;
    const int8_t type = u_charType(static_cast<UChar32>(LastCharacter(text, &begin)));
    if (type != U_START_PUNCTUATION && type != U_INITIAL_PUNCTUATION) break;
    text = text.substr(0, begin);
  }
  return text.size();
}

}  // namespace

struct SentenceSplitter::Iterator {
  UBreakIterator* breaks = nullptr;
  UText text = UTEXT_INITIALIZER;

  Iterator() = default;
  Iterator(const Iterator&) = delete;
  Iterator& operator=(const Iterator&) = delete;
  ~Iterator() {
    ubrk_close(breaks);
    utext_close(&text);
  }
};

SentenceSplitter::SentenceSplitter(const std::string& language)
    : iterator_(std::make_unique<Iterator>()) {
  UErrorCode status = U_ZERO_ERROR;
  iterator_->breaks =
      ubrk_open(UBRK_SENTENCE, LocaleOf(language).c_str(), /*text=*/nullptr, 0, &status);
  CheckIcu(status);
}

SentenceSplitter::~SentenceSplitter() = default;

std::vector<std::string_view> SentenceSplitter::Split(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  utext_openUTF8(&iterator_->text, text.data(), static_cast<int64_t>(text.size()), &status);
  ubrk_setUText(iterator_->breaks, &iterator_->text, &status);
  CheckIcu(status);

  std::vector<std::string_view> sentences;
  size_t begin = 0;  // Of the current sentence.
  const auto end_at = [&](size_t end) {
    const std::string_view sentence = Strip(text.substr(begin, end - begin));
    begin = end;
    if (sentence.empty()) return;
    if (!HoldsWord(sentence) && !sentences.empty()) {
      const char* const first = sentences.back().data();
      const auto size = static_cast<size_t>(sentence.data() + sentence.size() - first);
      sentences.back() = {first, size};
    } else {
      sentences.push_back(sentence);
    }
  };
  ubrk_first(iterator_->breaks);
  for (int32_t boundary; (boundary = ubrk_next(iterator_->breaks)) != UBRK_DONE;) {
    const auto end = static_cast<size_t>(boundary);
    if (end >= text.size()) break;
    const std::string_view before = StripRight(text.substr(begin, end - begin));
    const std::string_view after = text.substr(end);
    if (EndsWithInitial(before, after) || EndsWithTitle(before)) continue;
    if (EndsWithClosing(before) && BeginsWithSmallLetter(after)) continue;
    end_at(begin + BeginOfOpening(text.substr(begin, end - begin)));
  }
  end_at(text.size());
  return sentences;
}

}  // namespace wavemt
