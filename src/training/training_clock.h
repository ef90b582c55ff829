#pragma once

#include <chrono>
#include <cstdint>

namespace wavemt {

/// Measures the speed of training: the time of its steps, without validation, saving and logging.
class TrainingClock {
 public:
  TrainingClock() : start_(Clock::now()) {}

  /// Continues from a run that has trained for `seconds`.
  void Restore(double seconds) { seconds_ = interval_start_ = seconds; }
  /// The time between Pause() and Resume() does not count. A second Pause() or Resume() in a row
  /// changes nothing.
  void Pause();
  void Resume();

  void CountStep(int64_t target_tokens);

  /// The seconds spent in training, including those of Restore().
  double seconds() const;

  /// The average speed since the previous interval.
  struct Interval {
    double tokens_per_second = 0;
    double seconds_per_step = 0;
  };
  Interval EndInterval();

  /// The seconds that `steps` more steps will take, at the speed of all intervals that have ended
  /// since this clock was created; 0 if there are none yet.
  double SecondsFor(int64_t steps) const;

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point start_;
  bool is_running_ = true;
  double seconds_ = 0;  // Accumulated before start_.
  double interval_start_ = 0;
  int64_t interval_tokens_ = 0;
  int64_t interval_steps_ = 0;
  double measured_seconds_ = 0;  // In the intervals that have ended.
  int64_t measured_steps_ = 0;
};

}  // namespace wavemt
