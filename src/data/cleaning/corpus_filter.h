#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/cleaning/corpus_pass.h"
#include "data/cleaning/held_out_sentences.h"
#include "data/cleaning/pair_problems.h"

namespace wavemt {

struct FilterOptions {
  PairFilter filter;
  std::string source_language{};
  std::string target_language{};
  int threads = 1;
  std::string label = "filtering";              // For the progress bar.
  std::function<bool()> should_stop = nullptr;  // Asked every few thousand pairs.
};

/// How many pairs were removed, each for its first reason.
struct FilterCounts {
  bool was_stopped = false;  // By FilterOptions::should_stop, before the end of the corpus.
  int64_t pairs = 0;
  int64_t kept = 0;
  std::array<int64_t, kPairProblems.size()> removed{};

  /// "10 pairs: 7 kept; removed: 2 blank, 1 too long"
  std::string Summary() const;
};

/// Passes each pair of the corpus to `take`, in order, with the reason to remove it, or none if it
/// is to be kept. Reads the corpus once.
FilterCounts FilterCorpus(
    const ParallelFiles& files, const std::vector<HeldOutSentences>& held_out,
    const FilterOptions& options,
    const std::function<void(const CheckedPair&, std::optional<PairProblem>)>& take);

}  // namespace wavemt
