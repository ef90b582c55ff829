#include "training/learning_rate_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace wavemt {

double LearningRateAt(int64_t step, const TrainingConfig& config) {
  const auto now = static_cast<double>(step);
  const auto warmup = static_cast<double>(std::max<int64_t>(config.warmup_steps, 1));
  const double peak = config.learning_rate;
  const double lowest = config.min_learning_rate;
  if (step <= config.warmup_steps) return peak * now / warmup;
  // 0 at the end of warm-up, 1 after the last update.
  const int64_t steps = std::max<int64_t>(config.max_steps - config.warmup_steps, 0) + 1;
  const double progress =
      std::min((now - static_cast<double>(config.warmup_steps)) / static_cast<double>(steps), 1.0);
  switch (config.schedule) {
    case LearningRateSchedule::kInverseSqrt:
      return std::max(lowest, peak * std::sqrt(warmup / now));
    case LearningRateSchedule::kCosine:
      return lowest + (peak - lowest) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
    case LearningRateSchedule::kLinear:
      return lowest + (peak - lowest) * (1.0 - progress);
    case LearningRateSchedule::kConstant:
      return peak;
  }
  return peak;
}

}  // namespace wavemt
