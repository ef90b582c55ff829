#pragma once

#include <chrono>
#include <cstdint>

namespace wavemt {

/// How fast training goes: the time of its steps, without validation and saving.
class TrainingClock {
 public:
  /// Begins to count time.
  TrainingClock() : start_(Clock::now()) {}

  /// Goes on from a run that has trained for so many seconds.
  void Restore(double seconds) { seconds_ = interval_start_ = seconds; }
  /// Time that passes between the two does not count.
  void Pause();
  void Resume() { start_ = Clock::now(); }

  void CountStep(int64_t target_tokens);

  /// Seconds of training, with those of Restore().
  double seconds() const;

  /// The steps since the interval before.
  struct Interval {
    double tokens_per_second = 0;
    double seconds_per_step = 0;
  };
  Interval EndInterval();

  /// The time that so many more steps will take, by the speed since this clock was made and up to
  /// the end of the last interval; 0 where there is none yet.
  double SecondsFor(int64_t steps) const;

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point start_;
  double seconds_ = 0;  // Before start_.
  double interval_start_ = 0;
  int64_t interval_tokens_ = 0;
  int64_t interval_steps_ = 0;
  double measured_seconds_ = 0;  // In the intervals that have ended.
  int64_t measured_steps_ = 0;
};

}  // namespace wavemt
