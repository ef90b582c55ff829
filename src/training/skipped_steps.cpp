#include "training/skipped_steps.h"

#include <utility>

#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"

namespace wavemt {

SkippedSteps::SkippedSteps(int64_t max_in_a_row, std::optional<RunDirectory> run)
    : max_in_a_row_(max_in_a_row), run_(std::move(run)) {}

void SkippedSteps::Report(const StepTally::Sums& sums, int64_t step,
                          const std::function<std::string()>& find_cause) {
  const int64_t skipped = sums.skipped - std::exchange(num_reported_, sums.skipped);
  if (skipped == 0) return;
  // A GPU is checked only at intervals, so the last step may be a good one.
  const std::string cause = sums.skipped_in_a_row == 0 ? "" : find_cause();
  const std::string steps =
      skipped == 1 && sums.skipped_in_a_row > 0
          ? fmt::format("step {} is skipped and changes no weight", WithThousands(step))
          : fmt::format("{} steps up to step {} were skipped and changed no weight", skipped,
                        WithThousands(step));
  spdlog::warn("{}, because the loss or gradient is not finite{}{} ({} in a row)", steps,
               cause.empty() ? "" : ": ", cause, sums.skipped_in_a_row);
  if (sums.skipped_in_a_row >= max_in_a_row_) throw Failure("{}", TooMany(sums, step, cause));
}

std::string SkippedSteps::TooMany(const StepTally::Sums& sums, int64_t step,
                                  const std::string& cause) const {
  std::string text = fmt::format(
      "step {}: the loss or gradient is not finite ({} in a row; training.max_skipped_steps): {}",
      WithThousands(step), sums.skipped_in_a_row, cause);
  if (!run_) return text;
  const std::string run = run_->path().string();
  const auto latest = run_->LatestStep();
  if (!latest) {
    return text + fmt::format(
                      "; there is no checkpoint yet: `wavemt resume {} --set "
                      "training.learning_rate=...` with a lower one starts over",
                      run);
  }
  text += fmt::format(
      "; the newest checkpoint, of step {}, is from before: `wavemt resume {} --set "
      "training.learning_rate=...` with a lower one may get past here",
      WithThousands(*latest), run);
  // An interrupted training saves a checkpoint even while steps are being skipped.
  if (*latest < step - sums.skipped_in_a_row) return text;
  text += " (it holds the very weights that failed";
  if (run_->CheckpointSteps().size() > 1) {
    text += fmt::format(": remove {} to continue from the one before it",
                        run_->CheckpointPath(*latest).string());
  }
  return text + ")";
}

}  // namespace wavemt
