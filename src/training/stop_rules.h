#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "config/config.h"
#include "data/batcher.h"
#include "training/time_limit.h"

namespace wavemt {

/// Why training ended. If ranks have different reasons, the last of these counts: whoever sent a
/// signal waits for its exit code. Those before kTimeLimit are the ends that the config asks for
/// (IsDone()).
enum class StopReason { kMaxSteps, kMaxEpochs, kPatience, kTimeLimit, kSignal };

/// Whether training has ended as its config says; otherwise a resumed one has more to do.
constexpr bool IsDone(StopReason reason) { return reason < StopReason::kTimeLimit; }

struct TrainingStatus {
  int64_t step = 0;
  DataPosition position{};
  int64_t validations_without_best = 0;
  bool validation_pending = false;  // The validation of `step` was interrupted.
};

/// Decides when a training ends: as the config says, on a signal, or before a deadline.
class StopRules {
 public:
  /// Without a deadline there is no time limit. `checkpoint_bytes`: see TimeLimit.
  StopRules(const TrainingConfig& config, std::optional<TimeLimit::Clock::time_point> deadline,
            int64_t checkpoint_bytes);

  std::optional<StopReason> ReasonToStop(const TrainingStatus& status);

  /// Whether training.max_steps or max_epochs ends training at this step, which is validated then.
  bool IsLastStep(const TrainingStatus& status) const;
  /// The step at which training will end if nobody stops it earlier, assuming that every epoch has
  /// `batches_per_epoch` batches, of which each of `num_ranks` processes takes its share.
  int64_t LastStep(const TrainingStatus& status, int64_t batches_per_epoch,
                   int64_t num_ranks = 1) const;

  /// A function for long work other than steps (validation) to call regularly. It returns true if
  /// the work must stop. The time between two calls is recorded, because a stop may have to wait
  /// that long. The function must not outlive this object.
  std::function<bool()> StopCheck();

  TimeLimit& time_limit() { return time_limit_; }

 private:
  TrainingConfig config_;
  TimeLimit time_limit_;
};

}  // namespace wavemt
