#include "training/optimizer.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <utility>

namespace wavemt {
namespace {

// The vector units of a processor do not round like its other ones, so parts begin where a vector
// begins in the whole tensor.
constexpr int64_t kPartAlignment = 64;

std::vector<torch::Tensor> AllGradients(const NamedTensors& parameters) {
  std::vector<torch::Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const auto& [name, parameter] : parameters) gradients.push_back(parameter.grad());
  return gradients;
}

}  // namespace

Optimizer::Optimizer(const NamedTensors& parameters, const OptimizerConfig& config,
                     std::shared_ptr<World> shards)
    : config_(config), parameters_(parameters), shards_(std::move(shards)), groups_(2) {
  groups_[0].weight_decay = config.weight_decay;
  for (const Part& part : PartsOf(is_sharded() ? shards_->rank() : 0)) {
    const torch::Tensor& whole = parameters_.at(part.name);
    // The vectors among the parameters, biases and layer norms, are not decayed.
    Group& group = groups_[whole.dim() > 1 ? 0 : 1];
    group.parts.push_back(part);
    group.parameters.push_back(is_sharded() ? Cut(whole.detach(), part) : whole);
    const torch::Tensor& parameter = group.parameters.back();
    group.exp_avg.push_back(torch::zeros_like(parameter));
    group.exp_avg_sq.push_back(torch::zeros_like(parameter));
    group.step_counts.push_back(torch::zeros({}, parameter.options().requires_grad(false)));
    state_["exp_avg." + part.name] = group.exp_avg.back();
    state_["exp_avg_sq." + part.name] = group.exp_avg_sq.back();
  }
}

std::vector<Optimizer::Part> Optimizer::PartsOf(int rank) const {
  int64_t total = 0;
  for (const auto& [name, parameter] : parameters_) total += parameter.numel();
  const int64_t num_ranks = is_sharded() ? shards_->size() : 1;
  // Where the share of a rank begins in all numbers, one parameter after another.
  const auto begin_of = [&](int64_t of_rank) {
    return of_rank == num_ranks ? total : total / num_ranks * of_rank;
  };
  std::vector<Part> parts;
  int64_t offset = 0;
  for (const auto& [name, parameter] : parameters_) {
    const auto cut = [&, first = offset, size = parameter.numel()](int64_t place) {
      if (place >= first + size) return size;
      return std::max<int64_t>(place - first, 0) / kPartAlignment * kPartAlignment;
    };
    const Part part{.name = name, .begin = cut(begin_of(rank)), .end = cut(begin_of(rank + 1))};
    if (part.begin < part.end) parts.push_back(part);
    offset += parameter.numel();
  }
  return parts;
}

torch::Tensor Optimizer::Cut(const torch::Tensor& tensor, const Part& part) const {
  return tensor.view({-1}).narrow(0, part.begin, part.end - part.begin);
}

std::vector<torch::Tensor> Optimizer::GradientsOf(const Group& group) const {
  std::vector<torch::Tensor> gradients;
  gradients.reserve(group.parts.size());
  for (const Part& part : group.parts) {
    const torch::Tensor& gradient = parameters_.at(part.name).grad();
    gradients.push_back(is_sharded() ? Cut(gradient, part) : gradient);
  }
  return gradients;
}

torch::Tensor Optimizer::GradientNorm() const {
  const torch::NoGradGuard no_grad;
  return torch::linalg_vector_norm(torch::stack(at::_foreach_norm(AllGradients(parameters_))));
}

void Optimizer::ClipGradients(const torch::Tensor& norm, double clip_norm,
                              const torch::Tensor& found_inf) {
  RECORD_USER_SCOPE("optimizer");
  const torch::NoGradGuard no_grad;
  torch::Tensor factor = torch::clamp_max(clip_norm / (norm + 1e-6), 1.0);
  // Gradients that are not finite are left alone, so that the cause can be found.
  if (found_inf.defined()) factor = torch::where(found_inf == 0, factor, 1.0);
  if (factor.is_cpu() && factor.item<double>() == 1) return;
  // On a GPU multiplied even if nothing needs clipping: checking first would wait for it.
  at::_foreach_mul_(AllGradients(parameters_), factor);
}

void Optimizer::Step(double learning_rate, const torch::Tensor& found_inf) {
  RECORD_USER_SCOPE("optimizer");
  const torch::NoGradGuard no_grad;
  for (Group& group : groups_) StepGroup(group, learning_rate, found_inf);
  if (!is_sharded()) return;
  NamedTensors own;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.parts.size(); ++i) {
      own[group.parts[i].name] = group.parameters[i];
    }
  }
  Share(own, parameters_);
}

void Optimizer::Share(const NamedTensors& own, const NamedTensors& whole) const {
  const auto options = parameters_.begin()->second.options().requires_grad(false);
  for (int rank = 0; rank < shards_->size(); ++rank) {
    const std::vector<Part> parts = PartsOf(rank);
    if (parts.empty()) continue;
    int64_t size = 0;
    for (const Part& part : parts) size += part.end - part.begin;
    const torch::Tensor all = torch::empty({size}, options);
    const auto each = [&](const auto& work) {
      int64_t offset = 0;
      for (const Part& part : parts) {
        work(part, all.narrow(0, offset, part.end - part.begin));
        offset += part.end - part.begin;
      }
    };
    const bool is_own = rank == shards_->rank();
    if (is_own) {
      each([&](const Part& part, const torch::Tensor& place) { place.copy_(own.at(part.name)); });
    }
    shards_->Broadcast(all, rank);
    if (whole.empty()) continue;
    each([&](const Part& part, const torch::Tensor& place) {
      Cut(whole.at(part.name).detach(), part).copy_(place);
    });
  }
}

void Optimizer::StepGroup(Group& group, double learning_rate, const torch::Tensor& found_inf) {
  if (group.parameters.empty()) return;
  at::_foreach_add_(group.step_counts, 1);
  const auto gradients = GradientsOf(group);
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

void Optimizer::Free() {
  ZeroGradients();
  FreeTensors(state_);
}

NamedTensors Optimizer::State() const {
  if (!is_sharded()) return state_;
  const torch::NoGradGuard no_grad;
  NamedTensors state;
  for (const std::string kind : {"exp_avg.", "exp_avg_sq."}) {
    NamedTensors own;
    NamedTensors whole;
    for (const auto& [name, parameter] : parameters_) {
      if (const auto found = state_.find(kind + name); found != state_.end()) {
        own[name] = found->second;
      }
      if (shards_->is_first()) whole[name] = torch::empty_like(parameter.detach());
    }
    Share(own, whole);
    for (const auto& [name, tensor] : whole) state[kind + name] = tensor;
  }
  return state;
}

void Optimizer::Restore(const NamedTensors& state, const NamedTensors& others,
                        const std::string& origin) {
  NamedTensors to = others;
  if (!is_sharded()) {
    to.insert(state_.begin(), state_.end());
    CopyTensors(state, to, origin);
    return;
  }
  for (const auto& [name, parameter] : parameters_) {
    for (const std::string kind : {"exp_avg.", "exp_avg_sq."}) {
      to[kind + name] = torch::empty_like(parameter.detach());
    }
  }
  CopyTensors(state, to, origin);
  for (const Part& part : PartsOf(shards_->rank())) {
    for (const std::string kind : {"exp_avg.", "exp_avg_sq."}) {
      state_.at(kind + part.name).copy_(Cut(to.at(kind + part.name), part));
    }
  }
}

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
