#pragma once

#include <torch/torch.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace wavemt {

/// Measures where the time of training steps goes. While a profiler exists, work on this thread is
/// charged to the innermost RECORD_USER_SCOPE around it, both the forward work and the
/// corresponding work of the backward pass (matched by LibTorch's sequence numbers). Threads
/// started by a kernel count as that kernel's time. The profiler waits for a GPU after each
/// operation, because its time would otherwise be charged to whatever waits next; this makes steps
/// slower than in training.
class StepProfiler {
 public:
  explicit StepProfiler(torch::Device device);
  ~StepProfiler();
  StepProfiler(const StepProfiler&) = delete;
  StepProfiler& operator=(const StepProfiler&) = delete;

  /// The work done since the profiler was created.
  struct Work {
    int64_t steps = 0;
    int64_t target_tokens = 0;
    torch::ScalarType numbers = torch::kFloat;  // Of the matrix products.
  };
  /// Two tables for people, of scopes and of operations, followed by how long the matrix products
  /// would take at the speed that this machine reaches on large ones.
  std::string Report(const Work& work) const;

 private:
  using Clock = std::chrono::steady_clock;

  // A scope or operation that has started.
  struct Frame {
    std::string scope;
    std::string operation;  // Empty for a scope outside of any operation.
    bool is_backward = false;
    int64_t first_sequence = 0;  // Of the autograd nodes created in a scope.
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
  // The autograd nodes created in a scope: sequence numbers in [begin, end).
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
