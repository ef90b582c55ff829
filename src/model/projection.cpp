#include "model/projection.h"

#include <cmath>

#include "model/cpu_bf16.h"

namespace wavemt {

ProjectionImpl::ProjectionImpl(int64_t inputs, int64_t outputs, int64_t num_blocks)
    : LinearImpl(inputs, outputs), num_blocks_(num_blocks) {}

torch::Tensor ProjectionImpl::forward(const torch::Tensor& x) {
  torch::Tensor y = UsesCpuBf16(x) ? CpuBf16Linear(x, weight, bias) : LinearImpl::forward(x);
  for (const Added& added : added_) {
    const Lora& lora = added.options;
    const bool drops = is_training() && lora.dropout > 0;
    const torch::Tensor input = drops ? torch::dropout(x, lora.dropout, /*train=*/true) : x;
    // [..., rank], then [..., block]
    const torch::Tensor change = torch::linear(torch::linear(input, added.a), added.b);
    const double scale = lora.alpha / static_cast<double>(lora.rank);
    y = y + torch::constant_pad_nd(change * scale, {lora.block * BlockSize(),
                                                    (num_blocks_ - lora.block - 1) * BlockSize()});
  }
  return y;
}

void ProjectionImpl::AddLora(const Lora& lora) {
  const auto new_weight = [&](const char* which, int64_t rows, int64_t columns) {
    return register_parameter("lora_" + lora.name + which,
                              torch::zeros({rows, columns}, weight.options()));
  };
  Added added{.options = lora,
              .a = new_weight("_a", lora.rank, options.in_features()),
              .b = new_weight("_b", BlockSize(), lora.rank)};
  // As LibTorch draws the weights of a linear layer.
  torch::nn::init::kaiming_uniform_(added.a, std::sqrt(5.0));
  added_.push_back(std::move(added));
}

torch::Tensor ProjectionImpl::WeightWithLora() const {
  if (added_.empty()) return weight;
  const torch::NoGradGuard no_grad;
  torch::Tensor sum = weight.clone();
  for (const Added& added : added_) {
    const Lora& lora = added.options;
    // In fp64, so that the sum is rounded once.
    const torch::Tensor change = torch::mm(added.b.to(torch::kDouble), added.a.to(torch::kDouble)) *
                                 (lora.alpha / static_cast<double>(lora.rank));
    torch::Tensor block = sum.narrow(0, lora.block * BlockSize(), BlockSize());
    block.copy_(block.to(torch::kDouble) + change);
  }
  return sum;
}

void ProjectionImpl::MergeLora() {
  const torch::NoGradGuard no_grad;
  weight.copy_(WeightWithLora());
  for (const Added& added : added_) {
    for (const char* which : {"_a", "_b"}) parameters_.erase("lora_" + added.options.name + which);
  }
  added_.clear();
}

}  // namespace wavemt
