#include "training/model_in_training.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "model/adapters/adapter.h"
#include "support/error.h"
#include "support/progress.h"
#include "training/non_finite.h"

namespace wavemt {
namespace {

constexpr std::string_view kWeightsPrefix = "weights.";
constexpr std::string_view kAnchorPrefix = "anchor.";

}  // namespace

ModelInTraining::ModelInTraining(const TrainingConfig& config, Transformer model,
                                 const std::shared_ptr<World>& world)
    : model_(std::move(model)),
      parameters_(TrainedParametersOf(*model_)),
      anchor_strength_(config.anchor),
      optimizer_(parameters_, config.optimizer,
                 config.shard_optimizer && !world->is_alone() ? world : nullptr) {
  if (config.ema_decay > 0) {
    average_ = std::make_unique<WeightAverage>(parameters_, config.ema_decay);
  }
  if (anchor_strength_ == 0) return;
  for (const auto& [name, parameter] : parameters_) anchors_[name] = parameter.detach().clone();
}

NamedTensors ModelInTraining::SavedState() const {
  NamedTensors state = StateOf(*model_);
  const auto is_of_adapter = [](const auto& named) { return IsAdapterWeight(named.first); };
  if (std::ranges::any_of(state, is_of_adapter)) std::erase_if(state, std::not_fn(is_of_adapter));
  return state;
}

void ModelInTraining::PullToStart() {
  if (anchors_.empty()) return;
  const torch::NoGradGuard no_grad;
  for (auto& [name, parameter] : parameters_) {
    parameter.mutable_grad().add_(parameter - anchors_.at(name), anchor_strength_);
  }
}

void ModelInTraining::Restore(const Checkpoint& checkpoint, int64_t num_updates,
                              const std::string& origin) {
  NamedTensors others;  // What the optimizer's file holds besides moments.
  CopyTensors(checkpoint.model, SavedState(), fmt::format("{}/{}", origin, checkpoint.ModelFile()));
  if (average_) {
    for (const auto& [name, parameter] : parameters_) {
      average_->tensors().at(name).copy_(parameter.detach());
      others.emplace(std::string(kWeightsPrefix) + name, parameter);
    }
  }
  for (const auto& [name, anchor] : anchors_) {
    others.emplace(std::string(kAnchorPrefix) + name, anchor);
  }
  optimizer_.Restore(checkpoint.optimizer, others, fmt::format("{}/{}", origin, kOptimizerFile));
  optimizer_.set_steps(num_updates);
}

void ModelInTraining::TakeFromFirst(World& world) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : StateOf(*model_)) world.Broadcast(tensor.detach());
  for (const auto& [name, tensor] : anchors_) world.Broadcast(tensor);
  if (!average_) return;
  for (const auto& [name, tensor] : average_->tensors()) world.Broadcast(tensor);
}

Checkpoint ModelInTraining::MakeCheckpoint(int64_t step, NamedTensors moments) const {
  Checkpoint checkpoint;
  checkpoint.model = SavedState();
  checkpoint.optimizer = std::move(moments);
  if (average_) {
    for (const auto& [name, parameter] : parameters_) {
      checkpoint.optimizer[std::string(kWeightsPrefix) + name] = parameter;
      checkpoint.model[name] = average_->tensors().at(name);
    }
  }
  for (const auto& [name, anchor] : anchors_) {
    checkpoint.optimizer[std::string(kAnchorPrefix) + name] = anchor;
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
  // Weights, two moments, the average and the beginnings.
  return BytesOf(SavedState()) + 3 * BytesOf(parameters_) + BytesOf(anchors_);
}

std::optional<WeightAverage::Applied> ModelInTraining::ApplyAverage() const {
  if (!average_) return std::nullopt;
  return std::optional<WeightAverage::Applied>(std::in_place, *average_);
}

}  // namespace wavemt
