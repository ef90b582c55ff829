#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/positions/position_encoding.h"

namespace wavemt {

/// Subtracts from each score of self-attention the distance between query and key, times a slope
/// that differs from head to head (Press et al. 2022, section 3). The paper describes decoders; in
/// the encoder, where a query sees both sides, the bias is symmetric.
class AlibiEncodingImpl : public PositionEncodingImpl {
 public:
  AlibiEncodingImpl(int64_t num_heads, AlibiSlopes slopes);

  AttentionPositions ForAttention(const AttentionSpan& span) override;
  /// Trained slopes begin with the values of fixed ones.
  void InitializeWeights() override;

  /// The paper's slopes: for n heads, n a power of two, the geometric sequence 2^(-8/n), 2^(-16/n),
  /// ...; otherwise those of the next smaller power, and then every other one of the next larger
  /// (from the authors' code).
  static torch::Tensor Slopes(int64_t num_heads, const torch::TensorOptions& options = {});

  // Parameters, [num_heads]; undefined if slopes are fixed.
  torch::Tensor encoder_slopes;
  torch::Tensor decoder_slopes;

 private:
  int64_t num_heads_;
};
TORCH_MODULE(AlibiEncoding);

}  // namespace wavemt
