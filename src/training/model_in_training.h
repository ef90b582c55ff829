#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint/checkpoint.h"
#include "config/config.h"
#include "model/transformer.h"
#include "training/optimizer.h"
#include "training/weight_average.h"

namespace wavemt {

/// A model with everything that its updates change or need: the weights that are trained, the
/// optimizer's moments and, with training.ema_decay, the moving average of these weights; with
/// training.anchor, also where they began. These are the tensors of a checkpoint, and with them the
/// frozen weights. Of a model with an adapter, a checkpoint has only the adapter's weights.
class ModelInTraining {
 public:
  /// `model` must keep its parameters. With training.shard_optimizer, the moments are shared out
  /// over the ranks of `world`.
  ModelInTraining(const TrainingConfig& config, Transformer model,
                  const std::shared_ptr<World>& world);

  /// Adds the gradient of training.anchor / 2 times the squared distance of the trained weights
  /// from where they began.
  void PullToStart();

  /// Takes over rank 0's weights, average and beginnings, as all other ranks do.
  void TakeFromFirst(World& world);

  /// Restores the tensors to their values after `num_updates` updates of the weights. Usage errors
  /// begin with `origin`, the checkpoint's folder.
  void Restore(const Checkpoint& checkpoint, int64_t num_updates, const std::string& origin);

  /// A checkpoint without the training state, from the `moments` of the optimizer's State(). If
  /// there is a moving average, it is saved as the model, and the weights being trained are saved
  /// with the moments. If a value is not finite, throws a failure that names `step`.
  Checkpoint MakeCheckpoint(int64_t step, NamedTensors moments) const;
  /// The approximate size of a checkpoint.
  int64_t CheckpointBytes() const;

  /// Puts the moving average, if there is one, into the model for as long as the result exists.
  std::optional<WeightAverage::Applied> ApplyAverage() const;

  /// What a checkpoint holds as the model, with the model's present values: its own tensors.
  NamedTensors SavedState() const;

  Transformer& model() { return model_; }
  /// Those that are trained.
  const NamedTensors& parameters() const { return parameters_; }
  Optimizer& optimizer() { return optimizer_; }
  const Optimizer& optimizer() const { return optimizer_; }
  /// Null if training.ema_decay is 0.
  WeightAverage* average() { return average_.get(); }

 private:
  Transformer model_;
  NamedTensors parameters_;
  double anchor_strength_;
  NamedTensors anchors_;  // Where the parameters began; empty without training.anchor.
  Optimizer optimizer_;
  std::unique_ptr<WeightAverage> average_;
};

}  // namespace wavemt
