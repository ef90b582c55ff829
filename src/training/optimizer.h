#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/named_tensors.h"
#include "config/config.h"
#include "distributed/world.h"

namespace wavemt {

/// Adam and AdamW over all parameters of a model with LibTorch's fused kernels, and clipping of the
/// gradient's norm. Never waits for the device, except in steps().
///
/// It can be sharded over the ranks of a training (ZeRO stage 1, Rajbhandari et al. 2020): each
/// rank then has the moments of an equal share of all weights, updates these weights, and gives
/// them to the others. Every number comes out the same.
class Optimizer {
 public:
  /// Step() changes the parameters; they must keep their storage. With `shards`, the ranks among
  /// which to share; null: everything is here.
  Optimizer(const NamedTensors& parameters, const OptimizerConfig& config,
            std::shared_ptr<World> shards = nullptr);

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

  /// Frees the memory of gradients and moments. No update may follow.
  void Free();

  /// The moments by name: "exp_avg.NAME", "exp_avg_sq.NAME". They share storage with the optimizer.
  /// If it is sharded, all ranks must call this: rank 0 gets copies of all moments, the others
  /// nothing.
  NamedTensors State() const;
  /// Takes over moments as State() gives them on rank 0, all of them on each rank. Nothing has been
  /// changed if it throws a usage error that begins with `origin`: names or shapes differ. `others`
  /// are tensors that are restored from the same `state`.
  void Restore(const NamedTensors& state, const NamedTensors& others, const std::string& origin);
  /// The number of updates so far, excluding those that changed nothing; bias correction depends on
  /// it. Belongs to the state. Waits for the device.
  int64_t steps() const;
  void set_steps(int64_t steps);

 private:
  // A range of the numbers of a parameter, in row-major order.
  struct Part {
    std::string name;
    int64_t begin = 0;
    int64_t end = 0;
  };
  // Parameters, or the own parts of them, with the same weight decay.
  struct Group {
    double weight_decay = 0.0;
    std::vector<Part> parts;
    std::vector<torch::Tensor> parameters;
    std::vector<torch::Tensor> exp_avg;
    std::vector<torch::Tensor> exp_avg_sq;
    std::vector<torch::Tensor> step_counts;  // As the kernels need them; all are equal.
  };

  bool is_sharded() const { return shards_ != nullptr; }
  // The parts of a rank, or of the only one.
  std::vector<Part> PartsOf(int rank) const;
  torch::Tensor Cut(const torch::Tensor& tensor, const Part& part) const;
  std::vector<torch::Tensor> GradientsOf(const Group& group) const;
  void StepGroup(Group& group, double learning_rate, const torch::Tensor& found_inf);
  // Copies the parts that each rank has of some tensors, `own` here, into the whole ones.
  void Share(const NamedTensors& own, const NamedTensors& whole) const;

  OptimizerConfig config_;
  NamedTensors parameters_;
  std::shared_ptr<World> shards_;  // Null: this rank has everything.
  NamedTensors state_;             // The own parts.
  std::vector<Group> groups_;
};

}  // namespace wavemt
