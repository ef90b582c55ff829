#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "checkpoint/run_directory.h"
#include "training/step_tally.h"

namespace wavemt {

/// Reports steps that were skipped because their loss or gradient was not finite, and ends a
/// training that skips too many in a row.
class SkippedSteps {
 public:
  /// Without `run`, messages do not mention checkpoints.
  SkippedSteps(int64_t max_in_a_row, std::optional<RunDirectory> run);

  /// Sets how many skipped steps have already been reported.
  void Restore(int64_t skipped) { num_reported_ = skipped; }

  /// Warns about the skipped steps in `sums` that have not been reported yet; `step` is the last
  /// step, and `find_cause` says where it went wrong. Throws a failure if max_in_a_row is reached.
  void Report(const StepTally::Sums& sums, int64_t step,
              const std::function<std::string()>& find_cause);

 private:
  std::string TooMany(const StepTally::Sums& sums, int64_t step, const std::string& cause) const;

  int64_t max_in_a_row_;
  std::optional<RunDirectory> run_;
  int64_t num_reported_ = 0;
};

}  // namespace wavemt
