#pragma once

#include <torch/torch.h>

#include <vector>

#include "checkpoint/named_tensors.h"
#include "config/config.h"

namespace wavemt {

/// Adam and AdamW over all parameters of a model with LibTorch's fused kernels, and clipping of the
/// gradient's norm. Never waits for the device, except in steps().
class Optimizer {
 public:
  /// Step() changes the parameters; they must keep their storage.
  Optimizer(const NamedTensors& parameters, const OptimizerConfig& config);

  /// The norm of the whole gradient, a scalar on the parameters' device. Not finite if any value of
  /// the gradient is not.
  torch::Tensor GradientNorm() const;

  /// Scales the gradients down to `clip_norm` if their norm `norm` (GradientNorm()) is larger.
  void ClipGradients(const torch::Tensor& norm, double clip_norm,
                     const torch::Tensor& found_inf = {});

  /// Updates the parameters using their gradients. In both functions, `found_inf` is a scalar on
  /// the device: if it is 1, nothing changes. This way the host need not wait for a GPU. Undefined
  /// means 0.
  void Step(double learning_rate, const torch::Tensor& found_inf = {});

  void ZeroGradients();

  /// The moments by name: "exp_avg.NAME", "exp_avg_sq.NAME". They share storage with the optimizer.
  NamedTensors State() const;
  /// The number of updates so far, excluding those that changed nothing; bias correction depends on
  /// it. Belongs to the state. Waits for the device.
  int64_t steps() const;
  void set_steps(int64_t steps);

 private:
  // Parameters with the same weight decay.
  struct Group {
    double weight_decay = 0.0;
    std::vector<torch::Tensor> parameters;
    std::vector<torch::Tensor> exp_avg;
    std::vector<torch::Tensor> exp_avg_sq;
    std::vector<torch::Tensor> step_counts;  // As the kernels need them; all are equal.
  };

  void StepGroup(Group& group, double learning_rate, const torch::Tensor& found_inf);

  OptimizerConfig config_;
  NamedTensors parameters_;
  NamedTensors state_;
  std::vector<Group> groups_;
};

}  // namespace wavemt
