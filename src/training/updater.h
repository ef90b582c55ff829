#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "config/config.h"
#include "data/batch.h"
#include "model/transformer.h"
#include "training/forward_backward.h"
#include "training/memory_budget.h"
#include "training/optimizer.h"
#include "training/step_tally.h"
#include "training/training_state.h"
#include "training/weight_average.h"

namespace wavemt {

/// Updates of the weights, with what goes with these: moments and, where there is one, their moving
/// average.
class Updater {
 public:
  /// `model` is on `device` and keeps its parameters.
  Updater(const Config& config, Transformer model, torch::Device device, MemoryLimit memory_limit);

  /// Puts the tensors, and the counts of `state`, back to where a checkpoint stands. Usage errors
  /// begin with `origin`, its folder.
  void Restore(const Checkpoint& checkpoint, const TrainingState& state, const std::string& origin);

  /// With the moving average, where there is one, as the model. A failure where a value is not
  /// finite.
  Checkpoint MakeCheckpoint(const TrainingState& state) const;
  /// About its size.
  int64_t CheckpointBytes() const;

  /// Keeps tensors within the memory limit, if there is one, from now on. A run that is resumed
  /// keeps the budget of `before`, as far as it can: the same batches are then done in halves.
  MemoryBudget LimitMemory(const MemoryBudget& before);

  /// Update number `step` (from 1), by the gradient of the mean loss of `batches`. A loss or
  /// gradient that is not finite changes nothing and counts as skipped. A failure where not even a
  /// single pair fits the memory; nothing has changed then.
  void Step(int64_t step, std::vector<Batch> batches);

  /// What the steps came to. To read it waits for the device.
  StepTally& tally() { return tally_; }
  /// Of the last step, before clipping; a scalar on the device.
  const torch::Tensor& gradient_norm() const { return gradient_norm_; }
  /// Where the last step, which was skipped, first went bad: a clause for people.
  std::string WhereNotFinite();

  /// Puts the moving average, where there is one, into the model for as long as the result lives.
  std::optional<WeightAverage::Applied> ApplyAverage() const;

 private:
  TrainingConfig config_;
  Transformer model_;
  torch::Device device_;
  MemoryLimit memory_limit_;
  NamedTensors parameters_;
  ForwardBackward forward_backward_;
  Optimizer optimizer_;
  std::unique_ptr<WeightAverage> average_;  // Null: training.ema_decay is 0.
  StepTally tally_;

  // Of the last step.
  int64_t step_ = 0;
  std::vector<Batch> batches_;
  torch::Tensor loss_;  // Summed; on the device, as the next one.
  torch::Tensor gradient_norm_;
};

}  // namespace wavemt
