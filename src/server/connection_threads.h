#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace wavemt {

/// A thread for each open connection. Threads are started when none is idle, are used again, and
/// end after a while without work. Thread-safe.
class ConnectionThreads {
 public:
  /// Further tasks wait until one of `max_threads` is done.
  explicit ConnectionThreads(size_t max_threads);
  ConnectionThreads(const ConnectionThreads&) = delete;
  ConnectionThreads& operator=(const ConnectionThreads&) = delete;

  void Add(std::function<void()> task);

  /// Tasks that run or wait.
  size_t num_tasks() const;

  /// Waits until all tasks are done, or until `deadline`: then returns false, and they go on.
  bool Finish(std::chrono::steady_clock::time_point deadline);

 private:
  struct State;

  std::shared_ptr<State> state_;
};

}  // namespace wavemt
