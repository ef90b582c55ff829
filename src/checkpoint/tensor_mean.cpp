#include "checkpoint/tensor_mean.h"

#include <utility>

#include "support/error.h"

namespace wavemt {

void TensorMean::Add(const NamedTensors& weights, std::string_view origin) {
  if (weights.empty()) throw UsageError("{}: holds no weights", origin);
  if (count_ == 0) {
    types_.clear();
    for (const auto& [name, tensor] : weights) {
      types_[name] = torch::zeros({}, tensor.options().requires_grad(false)).expand(tensor.sizes());
    }
  }
  RequireSameTensors(weights, types_, origin);
  const torch::NoGradGuard no_grad;
  for (const auto& [name, type] : types_) {
    torch::Tensor& sum = sums_[name];
    if (!sum.defined()) sum = torch::zeros(type.sizes(), type.options().dtype(torch::kDouble));
    sum += weights.at(name).to(type.scalar_type());
  }
  ++count_;
}

NamedTensors TensorMean::Take() {
  NamedTensors mean;
  // One after the other, so that sums and mean need not all be there at once.
  for (const auto& [name, type] : types_) {
    const torch::Tensor sum = std::exchange(sums_.at(name), {});
    mean[name] = (sum / static_cast<double>(count_)).to(type.scalar_type());
  }
  sums_.clear();
  types_.clear();
  count_ = 0;
  return mean;
}

}  // namespace wavemt
