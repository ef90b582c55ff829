#include "model/masks.h"

namespace wavemt {

torch::Tensor PaddingMask(const torch::Tensor& lengths, int64_t max_length) {
  const auto positions = torch::arange(max_length, lengths.options());  // [max_length]
  return (positions.unsqueeze(0) < lengths.unsqueeze(1))                // [batch, max_length]
      .unsqueeze(1)
      .unsqueeze(1);  // [batch, 1, 1, max_length]
}

}  // namespace wavemt
