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

/// A model with everything that its updates change: the weights, the optimizer's moments and, with
/// training.ema_decay, the moving average of the weights. The tensors of a checkpoint.
class ModelInTraining {
 public:
  /// `model` keeps its parameters.
  ModelInTraining(const TrainingConfig& config, Transformer model);

  /// Puts the tensors back to what they were after `num_updates` updates of the weights. Usage
  /// errors begin with `origin`, the checkpoint's folder.
  void Restore(const Checkpoint& checkpoint, int64_t num_updates, const std::string& origin);

  /// A checkpoint without its state. With a moving average that is the model, and the weights in
  /// training lie beside the moments. A failure that names `step` where a value is not finite.
  Checkpoint MakeCheckpoint(int64_t step) const;
  /// About the size of a checkpoint.
  int64_t CheckpointBytes() const;

  /// Puts the moving average, where there is one, into the model for as long as the result lives.
  std::optional<WeightAverage::Applied> ApplyAverage() const;

  Transformer& model() { return model_; }
  const NamedTensors& parameters() const { return parameters_; }
  Optimizer& optimizer() { return optimizer_; }
  /// Null where training.ema_decay is 0.
  WeightAverage* average() { return average_.get(); }

 private:
  Transformer model_;
  NamedTensors parameters_;
  Optimizer optimizer_;
  std::unique_ptr<WeightAverage> average_;
};

}  // namespace wavemt
