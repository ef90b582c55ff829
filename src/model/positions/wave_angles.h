#pragma once

#include <torch/torch.h>

#include <cmath>

namespace wavemt {

/// The angles of waves whose frequencies fall from one pair of columns to the next:
/// positions[t] * base^(-2i / width). positions: [length], double. Returns [length, ceil(width /
/// 2)] in double precision: in single precision, t * frequency loses digits for large t.
inline torch::Tensor WaveAngles(const torch::Tensor& positions, int64_t width, double base) {
  const auto two_i = torch::arange(0, width, 2, positions.options());
  const auto frequencies = torch::exp(two_i * (-std::log(base) / static_cast<double>(width)));
  return torch::outer(positions, frequencies);
}

}  // namespace wavemt
