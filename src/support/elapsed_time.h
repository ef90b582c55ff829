#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace wavemt {

/// Shows, as a progress bar would, for how long a task has been going on that tells nothing of its
/// own progress, from a thread of its own until it is destroyed.
class ElapsedTime {
 public:
  explicit ElapsedTime(const std::string& label);
  ~ElapsedTime();
  ElapsedTime(const ElapsedTime&) = delete;
  ElapsedTime& operator=(const ElapsedTime&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_over_ = false;
  std::thread thread_;  // Last, as it uses the others.
};

}  // namespace wavemt
