#pragma once

#include <torch/torch.h>

#include <vector>

#include "checkpoint/named_tensors.h"
#include "config/config.h"

namespace wavemt {

/// Adam and AdamW over all parameters of a model by LibTorch's fused kernels, with clipping of the
/// gradient's norm. Never waits for the device.
class Optimizer {
 public:
  /// The parameters are changed by Step(); they must keep their storage.
  Optimizer(const NamedTensors& parameters, const OptimizerConfig& config);

  /// The norm of the whole gradient, a scalar on the parameters' device; not finite where some of
  /// the gradient is not.
  torch::Tensor GradientNorm() const;

  /// Scales gradients of the norm `norm` (GradientNorm()) down to `clip_norm` where it is above.
  void ClipGradients(const torch::Tensor& norm, double clip_norm,
                     const torch::Tensor& found_inf = {});

  /// Updates the parameters by their gradients. In both functions `found_inf`, a scalar on the
  /// device, says by 1 that nothing is to change, so that a GPU learns it without a wait;
  /// undefined: 0.
  void Step(double learning_rate, const torch::Tensor& found_inf = {});

  void ZeroGradients();

  /// The moments by name: "exp_avg.NAME", "exp_avg_sq.NAME". Not copied.
  NamedTensors State() const;
  /// The number of updates so far, without those that changed nothing; bias correction depends on
  /// it. Part of the state. To ask waits for the device.
  int64_t steps() const;
  void set_steps(int64_t steps);

 private:
  // Parameters that are updated alike.
  struct Group {
    double weight_decay = 0.0;
    std::vector<torch::Tensor> parameters;
    std::vector<torch::Tensor> exp_avg;
    std::vector<torch::Tensor> exp_avg_sq;
    std::vector<torch::Tensor> step_counts;  // What the kernels read; all the same.
  };

  void StepGroup(Group& group, double learning_rate, const torch::Tensor& found_inf);

  OptimizerConfig config_;
  NamedTensors parameters_;
  NamedTensors state_;
  std::vector<Group> groups_;
};

}  // namespace wavemt
