#pragma once

#include <torch/torch.h>

#include "model/positions/position_encoding.h"

namespace wavemt {

/// Adds a learned vector for each position, one table for the source and one for the target
/// (Gehring et al. 2017, section 3.1). Positions beyond max_length have no vector.
class LearnedEncodingImpl : public PositionEncodingImpl {
 public:
  LearnedEncodingImpl(int64_t d_model, int64_t max_length);

  torch::Tensor AddTo(const torch::Tensor& x, const TokenPositions& positions,
                      Stack stack) override;
  /// Normal with variance 1 / d_model, as the token embeddings before they are scaled.
  void InitializeWeights() override;
  std::vector<Table> Tables() override;

  torch::Tensor encoder_weight;  // [max_length, d_model]
  torch::Tensor decoder_weight;  // [max_length, d_model]
};
TORCH_MODULE(LearnedEncoding);

}  // namespace wavemt
