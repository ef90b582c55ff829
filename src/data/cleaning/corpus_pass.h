#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "data/cleaning/fingerprint.h"
#include "data/cleaning/pair_checker.h"
#include "data/corpus.h"

namespace wavemt {

/// A pair of a corpus and what can be said of it without the others.
struct CheckedPair {
  size_t file = 0;   // Of the files of the corpus, counted from 0.
  int64_t line = 0;  // Of that file, counted from 1.
  SentencePair text;
  std::string tsv_line;             // The whole line of a TSV file.
  bool has_replaced_bytes = false;  // In any column of a TSV file: it cannot be written as it was.
  PairProblems problems{};
  PairChecker::Sizes sizes{};
  PairFingerprints fingerprints{};  // Of a pair that is not blank.
};

struct PassOptions {
  int threads = 1;
  std::string label;                            // For the progress bar.
  std::function<bool()> should_stop = nullptr;  // Asked every few thousand pairs.
};

/// Reads a corpus once, looks at its pairs with `checker` on several threads, and passes them to
/// `take` on the calling thread, in the corpus's order. Bytes that are not UTF-8 are replaced, and
/// the pair has kBadEncoding, whatever the checker looks for. Memory does not grow with the corpus.
/// Returns false if it was stopped before the end.
bool CheckPairs(const ParallelFiles& files, const PairChecker& checker, const PassOptions& options,
                const std::function<void(const CheckedPair&)>& take);

}  // namespace wavemt
