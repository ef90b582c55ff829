#pragma once

#include <torch/torch.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "config/config.h"
#include "distributed/world.h"

namespace wavemt {

/// Sums the gradients of all ranks while the backward pass that completes them still runs, as
/// PyTorch's DistributedDataParallel does (Li et al. 2020): parameters are grouped into flat
/// buckets in the order in which backward reaches them, and a bucket is sent as soon as all its
/// gradients are complete.
class GradientSum {
 public:
  struct Options {
    int64_t bucket_bytes = 4 << 20;
    /// The numbers that are sent: fp32, or bf16 for half the bytes and a third of the digits.
    AllReducePrecision precision = AllReducePrecision::kFp32;
  };
  /// What the last sum cost.
  struct Cost {
    int64_t bytes = 0;  // Of this rank's gradients as they are sent.
    /// Seconds in which a sum was on its way, and how many of them this rank waited. On the CPU
    /// only.
    double seconds = 0;
    double waited = 0;
  };

  /// `parameters` in the order of the forward pass; they must keep their storage and outlive this
  /// object. With a world of one process this object does nothing.
  GradientSum(std::vector<torch::Tensor> parameters, World* world, const Options& options);
  ~GradientSum();
  GradientSum(const GradientSum&) = delete;
  GradientSum& operator=(const GradientSum&) = delete;

  /// To be called before the backward pass that completes the gradients.
  void Begin();
  /// Sends what is left, zeros for parameters without a gradient, and waits: every gradient is then
  /// the sum over all ranks. If Begin() was not called, sends everything now.
  void Finish();

  const Cost& cost() const { return cost_; }

 private:
  using Clock = std::chrono::steady_clock;
  class Hook;

  struct Bucket {
    std::vector<size_t> parameters;  // Indices into parameters_.
    std::vector<int64_t> offsets;    // Of each in `values`.
    torch::Tensor values;            // fp32: the gradients refer to it.
    torch::Tensor sent;              // In the type that is sent; the same tensor if that is fp32.
    size_t missing = 0;              // Gradients that are not complete yet.
    PendingSum sum;
    Clock::time_point begun;
  };

  void MakeBuckets();
  void NoteComplete(size_t parameter);
  void Send(Bucket& bucket);
  void Receive(Bucket& bucket);

  std::vector<torch::Tensor> parameters_;
  World* world_;
  Options options_;
  std::vector<Bucket> buckets_;
  std::vector<size_t> bucket_of_;  // By parameter.
  bool is_running_ = false;        // Between Begin() and Finish().
  size_t next_ = 0;                // The first bucket that is not sent.
  Cost cost_;
};

}  // namespace wavemt
