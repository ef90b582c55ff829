#pragma once

#include <torch/torch.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace wavemt {

/// Measures where the time of training steps goes. While a profiler lives, the work of this thread
/// is charged to the innermost RECORD_USER_SCOPE around it: the forward work, and what the backward
/// pass does for it (by LibTorch's sequence numbers). Threads that a kernel starts count as that
/// kernel's time. A GPU is waited for after each operation, or its time would be charged to
/// whatever waits next; this makes steps slower than those of a training.
class StepProfiler {
 public:
  explicit StepProfiler(torch::Device device);
  ~StepProfiler();
  StepProfiler(const StepProfiler&) = delete;
  StepProfiler& operator=(const StepProfiler&) = delete;

  /// What ran since the profiler was made.
  struct Work {
    int64_t steps = 0;
    int64_t target_tokens = 0;
    torch::ScalarType numbers = torch::kFloat;  // Of the matrix products.
  };
  /// A table of scopes and one of operations, for people, and how long the matrix products would
  /// take at the speed that this machine reaches on large ones.
  std::string Report(const Work& work) const;

 private:
  using Clock = std::chrono::steady_clock;

  // A scope or an operation that has begun.
  struct Frame {
    std::string scope;
    std::string operation;  // Empty: a scope, whose own time no operation takes.
    bool is_backward = false;
    int64_t first_sequence = 0;  // Of the nodes that a scope makes.
  };
  struct ScopeTime {
    double forward = 0;  // Seconds.
    double backward = 0;

    double total() const { return forward + backward; }
  };
  struct OperationTime {
    double seconds = 0;
    int64_t calls = 0;

    double total() const { return seconds; }
  };
  // The nodes that a scope made: numbers in [begin, end).
  struct Range {
    int64_t begin = 0;
    int64_t end = 0;
    std::string scope;
  };
  struct Usage {
    int64_t page_faults = 0;
    double user_seconds = 0;
    double system_seconds = 0;
  };

  static std::unique_ptr<at::ObserverContext> Begin(const at::RecordFunction& function);
  static void End(const at::RecordFunction& function, at::ObserverContext* context);
  static Usage MeasureUsage();

  void Push(const at::RecordFunction& function);
  void Pop();
  // Charges the time since the last event to the innermost frame.
  void Charge();
  std::string ScopeOfNode(int64_t sequence) const;

  torch::Device device_;
  bool backward_had_threads_;
  at::CallbackHandle handle_;
  Usage usage_at_start_;
  Clock::time_point start_;
  Clock::time_point last_event_;
  std::vector<Frame> frames_;
  std::vector<Range> ranges_;  // In the order in which the scopes ended.
  std::map<std::string, ScopeTime> scopes_;
  std::map<std::string, OperationTime> operations_;
  double products_ = 0;  // Floating-point operations in matrix products.
};

}  // namespace wavemt
