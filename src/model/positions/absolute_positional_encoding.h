#pragma once

#include <torch/torch.h>

#include "model/positions/position_encoding.h"

namespace wavemt {

/// Adds fixed sine and cosine waves to embeddings, so that a model without recurrence knows the
/// order of the tokens: the encoding `sinusoidal`. Vaswani et al. 2017, section 3.5:
///   pe[t, 2i]     = sin(t * exp(-2i * ln(10000) / d_model))
///   pe[t, 2i + 1] = cos(t * exp(-2i * ln(10000) / d_model))
/// For an odd d_model the last column is a sine without its cosine.
class AbsolutePositionalEncodingImpl : public PositionEncodingImpl {
 public:
  explicit AbsolutePositionalEncodingImpl(int64_t d_model, int64_t max_len = 5000);

  /// x: [batch, length, d_model]; its first token is at position `first_position`.
  /// Returns x + pe[first_position : first_position + length]. Throws a usage error that names both
  /// numbers if first_position + length exceeds max_len.
  torch::Tensor forward(const torch::Tensor& x, int64_t first_position = 0);

  torch::Tensor AddTo(const torch::Tensor& x, const TokenPositions& positions,
                      Stack stack) override;
  std::vector<Table> Tables() override;

  int64_t max_len() const { return pe.size(0); }

  torch::Tensor pe;  // Buffer, [max_len, d_model].
};
TORCH_MODULE(AbsolutePositionalEncoding);

}  // namespace wavemt
