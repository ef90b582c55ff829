#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace wavemt {

/// Decides when a training must stop so that its last checkpoint is written before a deadline.
class TimeLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// Without a deadline, time is never over. `checkpoint_bytes` is used for a first estimate of how
  /// long a checkpoint takes.
  TimeLimit(std::optional<Clock::time_point> deadline, int64_t checkpoint_bytes);

  /// Records how long a step took.
  void NoteStep(double seconds);
  /// Records how long a validation ran without asking whether time is over.
  void NotePause(double seconds);
  /// Records how long a checkpoint took.
  void NoteSave(double seconds);

  /// True if the remaining time may be too short for another step or pause and a checkpoint. Once
  /// true, it stays true: after work was interrupted for lack of time, no more work must follow.
  bool IsOver() { return IsOverAt(Clock::now()); }
  bool IsOverAt(Clock::time_point now);

 private:
  std::optional<Clock::time_point> deadline_;
  double step_seconds_ = 0;   // The longest recent one.
  double pause_seconds_ = 0;  // The longest.
  double save_seconds_;
  bool is_over_ = false;
};

}  // namespace wavemt
