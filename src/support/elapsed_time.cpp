#include "support/elapsed_time.h"

#include <chrono>

#include "support/progress.h"

namespace wavemt {

ElapsedTime::ElapsedTime(const std::string& label)
    : thread_([this, label] {
        constexpr std::chrono::seconds kTick{1};
        ProgressBar progress(label, /*total=*/0);
        std::unique_lock lock(mutex_);
        for (int64_t seconds = 1; !ended_.wait_for(lock, kTick, [this] { return is_over_; });
             ++seconds) {
          progress.Update(seconds, "seconds");
        }
      }) {}

ElapsedTime::~ElapsedTime() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

}  // namespace wavemt
