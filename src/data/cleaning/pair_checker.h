#pragma once

#include <optional>
#include <string>

#include "config/config.h"
#include "data/cleaning/language_scripts.h"
#include "data/cleaning/pair_problems.h"
#include "data/cleaning/word_count.h"
#include "data/corpus.h"

namespace wavemt {

/// Increases whenever a rule finds something else than before, so that what was filtered by older
/// rules is filtered anew.
inline constexpr int kPairRulesVersion = 1;

/// Finds what is wrong with a sentence pair by itself: everything but kDuplicate and kHeldOut.
/// Rules that `limits` switches off cost nothing. May be used by several threads at once.
class PairChecker {
 public:
  /// Codes like "en". An empty or unknown one: kWrongScript is not looked for on that side.
  PairChecker(const PairFilter& limits, const std::string& source_language,
              const std::string& target_language);

  /// All problems that `limits` leaves pairs out for. A blank pair has no other one.
  PairProblems Check(const SentencePair& pair) const { return Find(pair, nullptr, false); }
  /// The same; also returns the sizes of both sides, which Check() needs anyway.
  struct Sizes {
    TextSize source;
    TextSize target;
  };
  PairProblems Check(const SentencePair& pair, Sizes* sizes) const {
    return Find(pair, sizes, false);
  }
  /// Only the first of them, which is quicker: why the pair is left out, or nothing if it is kept.
  std::optional<PairProblem> WhyLeftOut(const SentencePair& pair) const {
    return Find(pair, nullptr, true).First();
  }

 private:
  // Fills `sizes` if it is not null; with `only_first`, stops at the first problem.
  PairProblems Find(const SentencePair& pair, Sizes* sizes, bool only_first) const;
  bool IsWrongScript(const LanguageScripts& scripts, const std::string& text) const;

  PairFilter limits_;
  LanguageScripts source_scripts_;
  LanguageScripts target_scripts_;
};

/// Whether a text has no visible character: NormalizeWhitespace() leaves nothing of it.
bool ShowsNothing(const std::string& text);

}  // namespace wavemt
