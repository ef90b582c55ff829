#include "data/cleaning/corpus_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "data/cleaning/fingerprint_set.h"
#include "support/progress.h"

namespace wavemt {

std::string FilterCounts::Summary() const {
  std::string reasons;
  for (const PairProblem problem : kPairProblems) {
    const int64_t count = removed[static_cast<size_t>(problem)];
    if (count == 0) continue;
    std::string name(NameOf(problem));
    std::replace(name.begin(), name.end(), '_', ' ');
    reasons += fmt::format("{} {} {}", reasons.empty() ? "" : ",", WithThousands(count), name);
  }
  return fmt::format("{}: {} kept{}{}", Counted(pairs, "pair"), WithThousands(kept),
                     reasons.empty() ? "" : "; removed:", reasons);
}

FilterCounts FilterCorpus(
    const ParallelFiles& files, const std::vector<HeldOutSentences>& held_out,
    const FilterOptions& options,
    const std::function<void(const CheckedPair&, std::optional<PairProblem>)>& take) {
  const PairChecker checker(options.filter, options.source_language, options.target_language);
  FilterCounts counts;
  FingerprintSet seen;
  const auto why_removed = [&](const CheckedPair& pair) -> std::optional<PairProblem> {
    if (!pair.problems.empty()) return pair.problems.First();
    if (options.filter.remove_duplicates && !seen.Insert(pair.fingerprints.pair)) {
      return PairProblem::kDuplicate;
    }
    const bool is_held_out =
        std::any_of(held_out.begin(), held_out.end(), [&](const HeldOutSentences& text) {
          return text.HasSource(pair.fingerprints) || text.HasTarget(pair.fingerprints);
        });
    if (is_held_out) return PairProblem::kHeldOut;
    return std::nullopt;
  };
  counts.was_stopped = !CheckPairs(
      files, checker,
      {.threads = options.threads, .label = options.label, .should_stop = options.should_stop},
      [&](const CheckedPair& pair) {
        const std::optional<PairProblem> reason = why_removed(pair);
        ++counts.pairs;
        ++(reason ? counts.removed[static_cast<size_t>(*reason)] : counts.kept);
        take(pair, reason);
      });
  return counts;
}

}  // namespace wavemt
