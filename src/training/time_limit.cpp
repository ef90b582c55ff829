#include "training/time_limit.h"

#include <algorithm>

namespace wavemt {
namespace {

// A slow network disk, for as long as nothing was measured.
constexpr double kGuessedBytesPerSecond = 50e6;

}  // namespace

TimeLimit::TimeLimit(std::optional<Clock::time_point> deadline, int64_t checkpoint_bytes)
    : deadline_(deadline),
      save_seconds_(static_cast<double>(checkpoint_bytes) / kGuessedBytesPerSecond) {}

void TimeLimit::NoteStep(double seconds) {
  // The longest of late: a batch may be twice as large as another one.
  constexpr double kForgetting = 0.99;
  step_seconds_ = std::max(seconds, kForgetting * step_seconds_);
}

void TimeLimit::NoteSave(double seconds) { save_seconds_ = seconds; }

bool TimeLimit::IsOverAt(Clock::time_point now) const {
  if (!deadline_) return false;
  // A disk may be busier than the last time, and a process takes a moment to end.
  const double needed = step_seconds_ + 2 * save_seconds_ + 1;
  return std::chrono::duration<double>(*deadline_ - now).count() < needed;
}

}  // namespace wavemt
