#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/cleaning/held_out_sentences.h"
#include "data/cleaning/length_statistics.h"
#include "data/cleaning/pair_problems.h"
#include "data/corpus.h"

namespace wavemt {

struct ReportOptions {
  /// The limits, and what counts as removed. Copies, bad encodings, different numbers and
  /// duplicates are counted in any case; a rule with a limit, only if there is one.
  PairFilter filter;
  std::string source_language{};
  std::string target_language{};
  int64_t examples = 3;  // To keep of each problem.
  int threads = 1;
  std::string label = "checking";  // For the progress bar.
};

/// What there is to know of a corpus before training on it.
struct CorpusReport {
  struct Example {
    std::string file{};  // The source or tsv file, if the corpus has several.
    int64_t line = 0;    // Of the file, counted from 1.
    SentencePair text;   // Cut to kLongestExample bytes a side.
  };
  struct Overlap {
    std::string name;         // Of the held-out text.
    int64_t held_out = 0;     // Its pairs.
    int64_t both = 0;         // Pairs of the corpus of which it has both sides,
    int64_t source_only = 0;  // or one of them.
    int64_t target_only = 0;
  };
  static constexpr size_t kLongestExample = 400;

  int64_t pairs = 0;
  int64_t removed = 0;                                   // What FilterCorpus() would remove.
  std::array<int64_t, kPairProblems.size()> problems{};  // Pairs that have it, by PairProblem.
  std::array<std::vector<Example>, kPairProblems.size()> examples;
  // Of pairs without a blank side:
  LengthStatistics source;
  LengthStatistics target;
  RatioStatistics ratio;
  int64_t other_targets = 0;  // Pairs whose source was there before, with another target.
  int64_t other_sources = 0;
  std::vector<Overlap> overlaps;  // One for each held-out text.

  int64_t Count(PairProblem problem) const { return problems[static_cast<size_t>(problem)]; }
};

/// Reads the corpus once. Takes three FingerprintSets of memory, and more for pairs that are
/// removed.
CorpusReport ReportOn(const ParallelFiles& files, const std::vector<HeldOutSentences>& held_out,
                      const ReportOptions& options);

}  // namespace wavemt
