#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <utility>

namespace wavemt {

/// Does pieces of work on other threads and passes their results to `take` on the calling thread,
/// in the order in which the pieces were added. One piece more than there are threads is at work,
/// so that all of them are busy while the calling thread reads and takes.
template <typename Result>
class WorkInOrder {
 public:
  WorkInOrder(int num_threads, std::function<void(const Result&)> take)
      : most_(static_cast<size_t>(std::max(num_threads, 1)) + 1), take_(std::move(take)) {}

  /// Begins a piece. First waits for the oldest one, and takes its result, if enough are at work.
  /// Throws what that piece threw.
  template <typename Work>
  void Add(Work work) {
    if (results_.size() == most_) TakeOldest();
    results_.push_back(std::async(std::launch::async, std::move(work)));
  }

  /// Waits for all pieces and takes their results.
  void Finish() {
    while (!results_.empty()) TakeOldest();
  }

 private:
  void TakeOldest() {
    const Result result = results_.front().get();
    results_.pop_front();
    take_(result);
  }

  size_t most_;
  std::function<void(const Result&)> take_;
  std::deque<std::future<Result>> results_;
};

}  // namespace wavemt
