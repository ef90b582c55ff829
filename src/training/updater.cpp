#include "training/updater.h"

#include <utility>

#include "support/error.h"
#include "support/logging.h"
#include "support/progress.h"
#include "training/learning_rate_schedule.h"
#include "training/non_finite.h"
#include "training/tensor_memory.h"

namespace wavemt {
namespace {

constexpr std::string_view kWeightsPrefix = "weights.";

std::string MemoryName(torch::Device device, const MemoryLimit& limit) {
  if (device.is_cuda()) return "the memory of the GPU";
  if (limit.bytes == 0) return "the memory of this machine";
  return fmt::format("a --memory-limit of {}", HumanBytes(static_cast<double>(limit.bytes)));
}

ForwardBackward::Options PassOptions(const Config& config, torch::Device device,
                                     const MemoryLimit& limit) {
  return {.loss = {.device = device,
                   .precision = config.training.precision,
                   .label_smoothing = config.training.label_smoothing},
          .seed = static_cast<uint64_t>(config.seed),
          .memory_name = MemoryName(device, limit)};
}

}  // namespace

Updater::Updater(const Config& config, Transformer model, torch::Device device,
                 MemoryLimit memory_limit)
    : config_(config.training),
      model_(std::move(model)),
      device_(device),
      memory_limit_(memory_limit),
      parameters_(ParametersOf(*model_)),
      forward_backward_(model_, PassOptions(config, device, memory_limit)),
      optimizer_(parameters_, config.training.optimizer),
      tally_(device) {
  if (config.training.ema_decay > 0) {
    average_ = std::make_unique<WeightAverage>(parameters_, config.training.ema_decay);
  }
}

void Updater::Restore(const Checkpoint& checkpoint, const TrainingState& state,
                      const std::string& origin) {
  NamedTensors optimizer_state = optimizer_.State();
  CopyTensors(checkpoint.model, StateOf(*model_), fmt::format("{}/{}", origin, kModelFile));
  if (average_) {
    // The model's file holds the average; the weights in training lie beside the moments.
    for (const auto& [name, parameter] : parameters_) {
      average_->tensors().at(name).copy_(parameter.detach());
      optimizer_state.emplace(std::string(kWeightsPrefix) + name, parameter);
    }
  }
  CopyTensors(checkpoint.optimizer, optimizer_state, fmt::format("{}/{}", origin, kOptimizerFile));
  optimizer_.set_steps(state.step - state.skipped_steps);
  tally_.Set({.loss = state.interval_loss,
              .tokens = state.interval_tokens,
              .skipped = state.skipped_steps,
              .skipped_in_a_row = state.skipped_in_a_row});
}

Checkpoint Updater::MakeCheckpoint(const TrainingState& state) const {
  Checkpoint checkpoint;
  checkpoint.model = StateOf(*model_);
  checkpoint.optimizer = optimizer_.State();
  if (average_) {
    for (const auto& [name, parameter] : parameters_) {
      checkpoint.optimizer[std::string(kWeightsPrefix) + name] = parameter;
      checkpoint.model[name] = average_->tensors().at(name);
    }
  }
  checkpoint.state = ToJson(state);
  for (const NamedTensors* tensors : {&checkpoint.model, &checkpoint.optimizer}) {
    if (const std::string name = FirstNotFinite(*tensors); !name.empty()) {
      throw Failure("step {}: {} is not finite, which no checkpoint may hold",
                    WithThousands(state.step), name);
    }
  }
  return checkpoint;
}

int64_t Updater::CheckpointBytes() const {
  // Weights, two moments and the average.
  return 4 * BytesOf(parameters_);
}

MemoryBudget Updater::LimitMemory(const MemoryBudget& before) {
  if (memory_limit_.bytes == 0) return before;
  const int64_t gradients = BytesOf(parameters_);
  const MemoryBudget measured = MemoryBudget::Measure(memory_limit_, gradients);
  const MemoryBudget budget = before.IsAsGoodAs(measured) ? before : measured;
  TensorMemory::SetLimit(budget.tensors);
  TensorMemory::SetProcessLimit(memory_limit_.bytes - memory_limit_.program);
  spdlog::info("memory: of {}, {} are for tensors", MemoryName(device_, memory_limit_),
               HumanBytes(static_cast<double>(budget.tensors)));
  return budget;
}

void Updater::Step(int64_t step, std::vector<Batch> batches) {
  step_ = step;
  batches_ = std::move(batches);
  try {
    loss_ = forward_backward_.Run(step, batches_, [this] { optimizer_.ZeroGradients(); });
  } catch (const Error&) {
    optimizer_.ZeroGradients();
    throw;
  }
  gradient_norm_ = optimizer_.GradientNorm();
  const torch::Tensor is_finite = torch::isfinite(loss_ + gradient_norm_);
  tally_.Add(loss_, TargetTokens(batches_), is_finite);
  // Only on the CPU it costs nothing to look; a GPU is told what to do either way.
  torch::Tensor found_inf;
  if (device_.is_cpu()) {
    if (!is_finite.item<bool>()) return;
  } else {
    found_inf = is_finite.logical_not().to(torch::kFloat);
  }
  optimizer_.Step(LearningRateAt(step, config_), config_.clip_norm, found_inf);
  if (average_) average_->Update(step, found_inf);
}

std::string Updater::WhereNotFinite() {
  return wavemt::WhereNotFinite(*model_, loss_,
                                [this] { forward_backward_.Forward(step_, batches_); });
}

std::optional<WeightAverage::Applied> Updater::ApplyAverage() const {
  if (!average_) return std::nullopt;
  return std::optional<WeightAverage::Applied>(std::in_place, *average_);
}

}  // namespace wavemt
