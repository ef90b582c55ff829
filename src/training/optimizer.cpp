#include "training/optimizer.h"

#include <ATen/record_function.h>

namespace wavemt {
namespace {

std::vector<torch::Tensor> GradientsOf(const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const auto& parameter : parameters) gradients.push_back(parameter.grad());
  return gradients;
}

std::vector<torch::Tensor> GradientsOf(const NamedTensors& parameters) {
  std::vector<torch::Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const auto& [name, parameter] : parameters) gradients.push_back(parameter.grad());
  return gradients;
}

}  // namespace

Optimizer::Optimizer(const NamedTensors& parameters, const OptimizerConfig& config)
    : config_(config), parameters_(parameters), groups_(2) {
  groups_[0].weight_decay = config.weight_decay;
  for (const auto& [name, parameter] : parameters_) {
    // The vectors among the parameters, biases and layer norms, are not decayed.
    Group& group = groups_[parameter.dim() > 1 ? 0 : 1];
    group.parameters.push_back(parameter);
    group.exp_avg.push_back(torch::zeros_like(parameter));
    group.exp_avg_sq.push_back(torch::zeros_like(parameter));
    group.step_counts.push_back(torch::zeros({}, parameter.options().requires_grad(false)));
    state_["exp_avg." + name] = group.exp_avg.back();
    state_["exp_avg_sq." + name] = group.exp_avg_sq.back();
  }
}

torch::Tensor Optimizer::GradientNorm() const {
  const torch::NoGradGuard no_grad;
  return torch::linalg_vector_norm(torch::stack(at::_foreach_norm(GradientsOf(parameters_))));
}

void Optimizer::ClipGradients(const torch::Tensor& norm, double clip_norm,
                              const torch::Tensor& found_inf) {
  RECORD_USER_SCOPE("optimizer");
  const torch::NoGradGuard no_grad;
  torch::Tensor factor = torch::clamp_max(clip_norm / (norm + 1e-6), 1.0);
  // Gradients that are not finite are left alone, so that the cause can be found.
  if (found_inf.defined()) factor = torch::where(found_inf == 0, factor, 1.0);
  // Multiplied even if nothing needs clipping: checking first would wait for the device.
  at::_foreach_mul_(GradientsOf(parameters_), factor);
}

void Optimizer::Step(double learning_rate, const torch::Tensor& found_inf) {
  RECORD_USER_SCOPE("optimizer");
  const torch::NoGradGuard no_grad;
  for (Group& group : groups_) StepGroup(group, learning_rate, found_inf);
}

void Optimizer::StepGroup(Group& group, double learning_rate, const torch::Tensor& found_inf) {
  if (group.parameters.empty()) return;
  at::_foreach_add_(group.step_counts, 1);
  const auto gradients = GradientsOf(group.parameters);
  const auto update = [&](auto kernel) {
    kernel(group.parameters, gradients, group.exp_avg, group.exp_avg_sq,
           /*max_exp_avg_sqs=*/at::TensorList(), group.step_counts, learning_rate, config_.beta1,
           config_.beta2, group.weight_decay, config_.epsilon, /*amsgrad=*/false,
           /*maximize=*/false, /*grad_scale=*/std::nullopt,
           found_inf.defined() ? std::optional(found_inf) : std::nullopt);
  };
  // The kernels are overloaded functions, which cannot be passed by name.
  if (config_.type == OptimizerType::kAdamW) {
    update([](auto&&... arguments) { at::_fused_adamw_(arguments...); });
  } else {
    update([](auto&&... arguments) { at::_fused_adam_(arguments...); });
  }
  if (found_inf.defined()) {
    at::_foreach_sub_(group.step_counts,
                      std::vector<torch::Tensor>(group.step_counts.size(), found_inf));
  }
}

void Optimizer::ZeroGradients() {
  RECORD_USER_SCOPE("optimizer");
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
}

NamedTensors Optimizer::State() const { return state_; }

int64_t Optimizer::steps() const {
  for (const Group& group : groups_) {
    if (!group.step_counts.empty()) return group.step_counts.front().item<int64_t>();
  }
  return 0;
}

void Optimizer::set_steps(int64_t steps) {
  for (Group& group : groups_) {
    for (auto& count : group.step_counts) count.fill_(static_cast<double>(steps));
  }
}

}  // namespace wavemt
