#include "training/stop_rules.h"

#include <cmath>
#include <memory>

#include "support/signals.h"

namespace wavemt {

StopRules::StopRules(const TrainingConfig& config,
                     std::optional<TimeLimit::Clock::time_point> deadline, int64_t checkpoint_bytes)
    : config_(config), time_limit_(deadline, checkpoint_bytes) {}

std::optional<StopReason> StopRules::ReasonToStop(const TrainingStatus& status) {
  if (StopSignal() != 0) return StopReason::kSignal;
  // A validation is pending only if it was interrupted. Training on would change the model that it
  // was to measure.
  if (time_limit_.IsOver() || status.validation_pending) return StopReason::kTimeLimit;
  if (status.step >= config_.max_steps) return StopReason::kMaxSteps;
  if (config_.max_epochs > 0 && status.position.epoch >= config_.max_epochs) {
    return StopReason::kMaxEpochs;
  }
  if (config_.patience > 0 && status.validations_without_best >= config_.patience) {
    return StopReason::kPatience;
  }
  return std::nullopt;
}

bool StopRules::IsLastStep(const TrainingStatus& status) const {
  return status.step == config_.max_steps ||
         (config_.max_epochs > 0 && status.position.epoch >= config_.max_epochs);
}

int64_t StopRules::LastStep(const TrainingStatus& status, int64_t batches_per_epoch,
                            int64_t num_ranks) const {
  if (config_.max_epochs == 0) return config_.max_steps;
  const auto epochs = static_cast<double>(config_.max_epochs - status.position.epoch);
  const double batches =
      epochs * static_cast<double>(batches_per_epoch) - static_cast<double>(status.position.batch);
  const double steps =
      std::ceil(batches / static_cast<double>(config_.gradient_accumulation * num_ranks));
  const bool epochs_end_first = steps < static_cast<double>(config_.max_steps - status.step);
  return epochs_end_first ? status.step + static_cast<int64_t>(steps) : config_.max_steps;
}

std::function<bool()> StopRules::StopCheck() {
  // Shared by all copies of the function.
  const auto last_call = std::make_shared<TimeLimit::Clock::time_point>(TimeLimit::Clock::now());
  return [this, last_call] {
    const auto now = TimeLimit::Clock::now();
    time_limit_.NotePause(std::chrono::duration<double>(now - *last_call).count());
    *last_call = now;
    return StopSignal() != 0 || time_limit_.IsOver();
  };
}

}  // namespace wavemt
