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

  /// How long a step took.
  void NoteStep(double seconds);
  /// How long a validation went on without asking whether time is over.
  void NotePause(double seconds);
  /// How long a checkpoint took.
  void NoteSave(double seconds);

  /// True if the time that is left may not suffice for another step or pause and a checkpoint. Once
  /// true, it stays true: work that was cut short for lack of time must not be followed by more.
  bool IsOver() { return IsOverAt(Clock::now()); }
  bool IsOverAt(Clock::time_point now);

 private:
  std::optional<Clock::time_point> deadline_;
  double step_seconds_ = 0;   // The longest of late.
  double pause_seconds_ = 0;  // The longest.
  double save_seconds_;
  bool is_over_ = false;
};

}  // namespace wavemt
