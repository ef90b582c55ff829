#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "data/cleaning/fingerprint.h"
#include "data/cleaning/pair_checker.h"
#include "data/corpus.h"

namespace wavemt {

/// A pair of a corpus and what can be said of it without the others.
struct CheckedPair {
  int64_t line = 0;  // Counted from 1, through all files of the corpus.
  SentencePair text;
  std::string tsv_line;  // The whole line of a TSV file.
  PairProblems problems{};
  PairChecker::Sizes sizes{};
  PairFingerprints fingerprints{};  // Of a pair that is not blank.
};

struct PassOptions {
  int threads = 1;
  std::string label;  // For the progress bar.
};

/// Reads a corpus once, looks at its pairs with `checker` on several threads, and passes them to
/// `take` on the calling thread, in the corpus's order. Bytes that are not UTF-8 are replaced,
/// which makes kBadEncoding of them. Memory does not grow with the corpus.
void CheckPairs(const ParallelFiles& files, const PairChecker& checker, const PassOptions& options,
                const std::function<void(const CheckedPair&)>& take);

}  // namespace wavemt
