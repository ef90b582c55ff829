#pragma once

#include <torch/torch.h>

namespace wavemt {

/// base + dropout(values) as one operation (Srivastava et al. 2014): each element of `values`
/// becomes 0 with probability p, the others are scaled by 1 / (1 - p). Both have the same shape; an
/// undefined `base` counts as 0. Under autocast `values` may be bfloat16 and `base` fp32; the sum
/// is then fp32. On the CPU no mask is stored: the choices are a function of one number, drawn from
/// LibTorch's default generator.
torch::Tensor DropoutAdd(const torch::Tensor& base, const torch::Tensor& values, double p);

}  // namespace wavemt
