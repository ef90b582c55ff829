#pragma once

#include <torch/torch.h>

namespace wavemt {

/// base + dropout(values) as one operation (Srivastava et al. 2014): each element of `values`
/// becomes 0 with probability p, the others grow by 1 / (1 - p). The two have the same shape; an
/// undefined `base` counts as 0. Under autocast `values` may be bfloat16 beside a base in fp32; the
/// sum is fp32. On the CPU no mask is stored: the random bits are a function of a
/// number that is drawn from LibTorch's default generator.
torch::Tensor DropoutAdd(const torch::Tensor& base, const torch::Tensor& values, double p);

}  // namespace wavemt
