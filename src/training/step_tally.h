#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace wavemt {

/// Adds up what steps come to. The sums stay on the device: to look at them there waits for the
/// step, which on the CPU costs nothing and on a GPU much.
class StepTally {
 public:
  explicit StepTally(torch::Device device);

  /// Counts a step with the summed loss of `tokens` target tokens. Where `is_finite`, a boolean
  /// scalar, is false the step counts as skipped, and its loss and tokens do not count.
  void Add(const torch::Tensor& loss, int64_t tokens, const torch::Tensor& is_finite);

  struct Sums {
    double loss = 0;     // Of the interval.
    int64_t tokens = 0;  // Of the interval.
    int64_t skipped = 0;
    int64_t skipped_in_a_row = 0;  // Up to the last step.
  };
  Sums Read() const;
  void Set(const Sums& sums);

  /// Begins a new interval.
  void ClearInterval();

 private:
  torch::Tensor interval_;  // [2]: loss, tokens. In double precision, which counts exactly to 2^53.
  torch::Tensor skipped_;   // [2]: all, in a row.
};

}  // namespace wavemt
