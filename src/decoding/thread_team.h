#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace wavemt {

/// Threads that work side by side and wait for more. They are kept because LibTorch compiles and
/// keeps oneDNN's kernels for each thread.
class ThreadTeam {
 public:
  ThreadTeam();
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  /// Runs `work` once on each of `count` threads, the calling one among them, and returns when all
  /// are done; on fewer if the system grants no more. Meanwhile LibTorch's operations use one
  /// thread each. `work` must not throw. One call at a time: others wait.
  void Run(size_t count, const std::function<void()>& work);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavemt
