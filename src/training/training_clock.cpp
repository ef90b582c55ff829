#include "training/training_clock.h"

#include <algorithm>

namespace wavemt {

void TrainingClock::Pause() {
  seconds_ = seconds();
  is_running_ = false;
}

void TrainingClock::Resume() {
  if (!is_running_) start_ = Clock::now();
  is_running_ = true;
}

void TrainingClock::CountStep(int64_t target_tokens) {
  interval_tokens_ += target_tokens;
  ++interval_steps_;
}

double TrainingClock::seconds() const {
  if (!is_running_) return seconds_;
  return seconds_ + std::chrono::duration<double>(Clock::now() - start_).count();
}

TrainingClock::Interval TrainingClock::EndInterval() {
  const double now = seconds();
  const double elapsed = now - interval_start_;
  const Interval interval{
      .tokens_per_second = static_cast<double>(interval_tokens_) / std::max(elapsed, 1e-9),
      .seconds_per_step = elapsed / static_cast<double>(std::max<int64_t>(interval_steps_, 1))};
  measured_seconds_ += elapsed;
  measured_steps_ += interval_steps_;
  interval_start_ = now;
  interval_tokens_ = 0;
  interval_steps_ = 0;
  return interval;
}

double TrainingClock::SecondsFor(int64_t steps) const {
  if (measured_steps_ == 0) return 0;
  return measured_seconds_ / static_cast<double>(measured_steps_) * static_cast<double>(steps);
}

}  // namespace wavemt
