#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace wavemt {

/// Tells when a training must stop to have its last checkpoint written before a deadline.
class TimeLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// Without a deadline it is never over. `checkpoint_bytes` makes the first guess of how long a
  /// checkpoint takes.
  TimeLimit(std::optional<Clock::time_point> deadline, int64_t checkpoint_bytes);

  /// How long a step and a checkpoint took.
  void NoteStep(double seconds);
  void NoteSave(double seconds);

  /// True if what is left may not be enough for another step and a checkpoint.
  bool IsOver() const { return IsOverAt(Clock::now()); }
  bool IsOverAt(Clock::time_point now) const;

 private:
  std::optional<Clock::time_point> deadline_;
  double step_seconds_ = 0;
  double save_seconds_;
};

}  // namespace wavemt
