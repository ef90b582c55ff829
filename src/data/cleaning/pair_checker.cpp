#include "data/cleaning/pair_checker.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <string_view>

#include "data/cleaning/bad_encoding.h"
#include "data/cleaning/numbers.h"
#include "data/whitespace_normalizer.h"
#include "support/characters.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

constexpr char32_t kEndOfText = 0x110000;  // No character, unlike U+0000.

// The next character of `text` from byte `i` on that is not white space, with its case folded;
// kEndOfText at the end.
char32_t NextFolded(std::string_view text, size_t& i) {
  while (i < text.size()) {
    const char32_t character = NextCharacter(text, i);
    if (IsPythonSpace(character)) continue;
    return static_cast<char32_t>(u_foldCase(static_cast<UChar32>(character), U_FOLD_CASE_DEFAULT));
  }
  return kEndOfText;
}

bool AreCopies(std::string_view a, std::string_view b) {
  size_t in_a = 0;
  size_t in_b = 0;
  while (true) {
    const char32_t next = NextFolded(a, in_a);
    if (next != NextFolded(b, in_b)) return false;
    if (next == kEndOfText) return true;
  }
}

// Of a short sentence the ratio says little: "Hi." may be translated by four words.
bool ExceedsRatio(int64_t a, int64_t b, double limit) {
  constexpr double kFreeWords = 3;
  const auto longer = static_cast<double>(std::max(a, b));
  const auto shorter = static_cast<double>(std::min(a, b));
  return longer > limit * shorter + kFreeWords;
}

}  // namespace

bool ShowsNothing(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    const auto character = static_cast<UChar32>(NextCharacter(text, i));
    if (u_isgraph(character) != 0 &&
        u_hasBinaryProperty(character, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) == 0) {
      return false;  // The usual case, without a copy of the text.
    }
  }
  return NormalizeWhitespace(text).empty();
}

PairChecker::PairChecker(const PairFilter& limits, const std::string& source_language,
                         const std::string& target_language)
    : limits_(limits), source_scripts_(source_language), target_scripts_(target_language) {}

bool PairChecker::IsWrongScript(const LanguageScripts& scripts, const std::string& text) const {
  return scripts.known() && scripts.ShareOf(text) < limits_.min_script_share;
}

PairProblems PairChecker::Find(const SentencePair& pair, Sizes* sizes, bool only_first) const {
  Sizes own_sizes;
  if (sizes == nullptr) sizes = &own_sizes;
  if (sizes != &own_sizes || limits_.max_words > 0 || limits_.max_length_ratio > 0) {
    *sizes = {.source = SizeOfText(pair.source), .target = SizeOfText(pair.target)};
  }
  PairProblems problems;
  if (ShowsNothing(pair.source) || ShowsNothing(pair.target)) {
    problems.Add(PairProblem::kBlank);
    return problems;
  }
  // Each rule is tried only if it is on and, with `only_first`, none before it has found anything.
  const auto look_for = [&](PairProblem problem, bool is_on, const auto& has) {
    if (is_on && !(only_first && !problems.empty()) && has()) problems.Add(problem);
  };
  look_for(PairProblem::kBadEncoding, limits_.remove_bad_encoding,
           [&] { return HasBadEncoding(pair.source) || HasBadEncoding(pair.target); });
  look_for(PairProblem::kTooLong, limits_.max_words > 0,
           [&] { return std::max(sizes->source.words, sizes->target.words) > limits_.max_words; });
  look_for(PairProblem::kLengthRatio, limits_.max_length_ratio > 0, [&] {
    return ExceedsRatio(sizes->source.words, sizes->target.words, limits_.max_length_ratio);
  });
  look_for(PairProblem::kWrongScript, limits_.min_script_share > 0, [&] {
    return IsWrongScript(source_scripts_, pair.source) ||
           IsWrongScript(target_scripts_, pair.target);
  });
  look_for(PairProblem::kCopy, limits_.remove_copies,
           [&] { return AreCopies(pair.source, pair.target); });
  look_for(PairProblem::kDifferentNumbers, limits_.remove_different_numbers,
           [&] { return NumbersOf(pair.source) != NumbersOf(pair.target); });
  return problems;
}

}  // namespace wavemt
