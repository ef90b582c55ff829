#include "training/time_limit.h"

#include <algorithm>

namespace wavemt {
namespace {

// The speed of a slow network disk, assumed until a checkpoint has been measured.
constexpr double kGuessedBytesPerSecond = 50e6;

}  // namespace

TimeLimit::TimeLimit(std::optional<Clock::time_point> deadline, int64_t checkpoint_bytes)
    : deadline_(deadline),
      save_seconds_(static_cast<double>(checkpoint_bytes) / kGuessedBytesPerSecond) {}

void TimeLimit::NoteStep(double seconds) {
  // The longest step is forgotten slowly, because batches may differ in size by a factor of two.
  constexpr double kForgetting = 0.99;
  step_seconds_ = std::max(seconds, kForgetting * step_seconds_);
}

void TimeLimit::NotePause(double seconds) { pause_seconds_ = std::max(seconds, pause_seconds_); }

void TimeLimit::NoteSave(double seconds) { save_seconds_ = seconds; }

bool TimeLimit::IsOverAt(Clock::time_point now) {
  if (!deadline_) return false;
  // The disk may be busier than last time, and a process takes a moment to exit.
  const double needed = std::max(step_seconds_, pause_seconds_) + 2 * save_seconds_ + 1;
  const double left = std::chrono::duration<double>(*deadline_ - now).count();
  is_over_ = is_over_ || left < needed;
  return is_over_;
}

}  // namespace wavemt
