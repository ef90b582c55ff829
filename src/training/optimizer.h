#pragma once

#include <torch/torch.h>

#include <vector>

#include "checkpoint/named_tensors.h"
#include "config/config.h"

namespace wavemt {

/// Adam and AdamW over all parameters of a model by LibTorch's fused kernels, with clipping of the
/// gradient's norm and without a wait for the device.
class Optimizer {
 public:
  /// The parameters are changed by Step(); they must keep their storage.
  Optimizer(const NamedTensors& parameters, const OptimizerConfig& config);

  /// Updates the parameters by their gradients. A gradient norm above `clip_norm` is scaled down to
  /// it (0: never). Returns the norm before clipping, a scalar on the parameters' device.
  torch::Tensor Step(double learning_rate, double clip_norm);

  void ZeroGradients();

  /// The moments by name: "exp_avg.NAME", "exp_avg_sq.NAME". Not copied.
  NamedTensors State() const;
  /// Updates that lie behind; goes into bias correction. Part of the state.
  int64_t steps() const { return steps_; }
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

  torch::Tensor ClipGradients(double clip_norm);
  void StepGroup(Group& group, double learning_rate);

  OptimizerConfig config_;
  NamedTensors parameters_;
  NamedTensors state_;
  std::vector<Group> groups_;
  int64_t steps_ = 0;
};

}  // namespace wavemt
