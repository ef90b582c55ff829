#include "training/weight_average.h"

#include <algorithm>
#include <vector>

namespace wavemt {

WeightAverage::WeightAverage(const NamedTensors& parameters, double decay)
    : parameters_(parameters), decay_(decay) {
  for (const auto& [name, parameter] : parameters_) average_[name] = parameter.detach().clone();
}

void WeightAverage::Update(int64_t step, const torch::Tensor& found_inf) {
  const torch::NoGradGuard no_grad;
  const auto n = static_cast<double>(step);
  const double decay = std::min(decay_, (1.0 + n) / (10.0 + n));
  std::vector<torch::Tensor> averages;
  std::vector<torch::Tensor> weights;
  for (const auto& [name, average] : average_) {
    averages.push_back(average);
    weights.push_back(parameters_.at(name));
  }
  if (!found_inf.defined()) {
    at::_foreach_lerp_(averages, weights, 1.0 - decay);
    return;
  }
  // lerp takes its weight as a number or as one tensor per element; this weight is neither.
  auto differences = at::_foreach_sub(weights, averages);
  at::_foreach_mul_(differences, (1.0 - found_inf) * (1.0 - decay));
  at::_foreach_add_(averages, differences);
}

WeightAverage::Applied::Applied(const WeightAverage& average) : parameters_(average.parameters_) {
  for (auto& [name, parameter] : parameters_) {
    weights_[name] = parameter.detach();
    parameter.set_data(average.average_.at(name));
  }
}

WeightAverage::Applied::~Applied() {
  for (auto& [name, parameter] : parameters_) parameter.set_data(weights_.at(name));
}

}  // namespace wavemt
