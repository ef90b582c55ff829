#include "training/model_in_training.h"

#include <string_view>
#include <utility>

#include "support/error.h"
#include "support/progress.h"
#include "training/non_finite.h"

namespace wavemt {
namespace {

constexpr std::string_view kWeightsPrefix = "weights.";

}  // namespace

ModelInTraining::ModelInTraining(const TrainingConfig& config, Transformer model,
                                 const std::shared_ptr<World>& world)
    : model_(std::move(model)),
      parameters_(ParametersOf(*model_)),
      optimizer_(parameters_, config.optimizer,
                 config.shard_optimizer && !world->is_alone() ? world : nullptr) {
  if (config.ema_decay > 0) {
    average_ = std::make_unique<WeightAverage>(parameters_, config.ema_decay);
  }
}

void ModelInTraining::Restore(const Checkpoint& checkpoint, int64_t num_updates,
                              const std::string& origin) {
  NamedTensors weights;  // Those that the optimizer's file holds.
  CopyTensors(checkpoint.model, StateOf(*model_), fmt::format("{}/{}", origin, kModelFile));
  if (average_) {
    for (const auto& [name, parameter] : parameters_) {
      average_->tensors().at(name).copy_(parameter.detach());
      weights.emplace(std::string(kWeightsPrefix) + name, parameter);
    }
  }
  optimizer_.Restore(checkpoint.optimizer, weights, fmt::format("{}/{}", origin, kOptimizerFile));
  optimizer_.set_steps(num_updates);
}

void ModelInTraining::TakeFromFirst(World& world) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : StateOf(*model_)) world.Broadcast(tensor.detach());
  if (!average_) return;
  for (const auto& [name, tensor] : average_->tensors()) world.Broadcast(tensor);
}

Checkpoint ModelInTraining::MakeCheckpoint(int64_t step, NamedTensors moments) const {
  Checkpoint checkpoint;
  checkpoint.model = StateOf(*model_);
  checkpoint.optimizer = std::move(moments);
  if (average_) {
    for (const auto& [name, parameter] : parameters_) {
      checkpoint.optimizer[std::string(kWeightsPrefix) + name] = parameter;
      checkpoint.model[name] = average_->tensors().at(name);
    }
  }
  for (const NamedTensors* tensors : {&checkpoint.model, &checkpoint.optimizer}) {
    if (const std::string name = FirstNotFinite(*tensors); !name.empty()) {
      throw Failure("step {}: {} is not finite, which no checkpoint may hold", WithThousands(step),
                    name);
    }
  }
  return checkpoint;
}

int64_t ModelInTraining::CheckpointBytes() const {
  // Weights, two moments and the average.
  return 4 * BytesOf(parameters_);
}

std::optional<WeightAverage::Applied> ModelInTraining::ApplyAverage() const {
  if (!average_) return std::nullopt;
  return std::optional<WeightAverage::Applied>(std::in_place, *average_);
}

}  // namespace wavemt
