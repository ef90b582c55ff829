#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "config/config.h"
#include "data/batcher.h"
#include "training/time_limit.h"

namespace wavemt {

/// Why training ended.
enum class StopReason { kMaxSteps, kMaxEpochs, kPatience, kSignal, kTimeLimit };

/// How far a training has come.
struct TrainingStatus {
  int64_t step = 0;
  DataPosition position;
  int64_t validations_without_best = 0;
  bool validation_pending = false;  // A validation of `step` was cut short.
};

/// When a training ends: by the config, by a signal, or in time before a deadline.
class StopRules {
 public:
  /// Without a deadline there is no time limit. `checkpoint_bytes` as in TimeLimit.
  StopRules(const TrainingConfig& config, std::optional<TimeLimit::Clock::time_point> deadline,
            int64_t checkpoint_bytes);

  std::optional<StopReason> ReasonToStop(const TrainingStatus& status);

  /// Whether the config ends training here; a run's last step is validated too.
  bool IsLastStep(const TrainingStatus& status) const;
  /// Where training will end if nobody stops it before, taking every epoch to have
  /// `batches_per_epoch` batches.
  int64_t LastStep(const TrainingStatus& status, int64_t batches_per_epoch) const;

  /// A question for long work other than steps (validation) to ask now and then; the answer true
  /// ends that work. The time between two questions is noted, as a stop may have to wait that long.
  /// The question must not outlive the rules.
  std::function<bool()> StopQuestion();

  TimeLimit& time_limit() { return time_limit_; }

 private:
  TrainingConfig config_;
  TimeLimit time_limit_;
};

}  // namespace wavemt
