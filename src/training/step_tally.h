#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace wavemt {

/// Sums the loss and tokens of steps and counts the skipped ones. The sums stay on the device,
/// because reading them waits for the step, which is free on the CPU but expensive on a GPU.
class StepTally {
 public:
  explicit StepTally(torch::Device device);

  /// Counts a step with the summed loss of `tokens` target tokens. If `is_finite`, a boolean
  /// scalar, is false, the step counts as skipped, and its loss and tokens are left out.
  void Add(const torch::Tensor& loss, int64_t tokens, const torch::Tensor& is_finite);

  struct Sums {
    double loss = 0;     // Of the interval.
    int64_t tokens = 0;  // Of the interval.
    int64_t skipped = 0;
    int64_t skipped_in_a_row = 0;  // Up to the last step.
  };
  Sums Read() const;
  void Set(const Sums& sums);

  /// Starts a new interval.
  void ClearInterval();

 private:
  torch::Tensor interval_;  // [2]: loss, tokens. Doubles count exactly up to 2^53.
  torch::Tensor skipped_;   // [2]: in total, in a row.
};

}  // namespace wavemt
