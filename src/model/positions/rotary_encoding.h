#pragma once

#include <torch/torch.h>

#include "model/positions/position_encoding.h"

namespace wavemt {

/// Rotates queries and keys of self-attention, so that positions enter their product only as the
/// distance between the two (Su et al. 2021, section 3.2). In each head, the pair of columns
/// (2i, 2i + 1) of the token at position t turns by the angle t * base^(-2i / head_dim). Has no
/// weights and no table.
class RotaryEncodingImpl : public PositionEncodingImpl {
 public:
  /// head_dim: the width of an attention head; even.
  RotaryEncodingImpl(int64_t head_dim, double base);

  AttentionPositions ForAttention(const AttentionSpan& span) override;

 private:
  int64_t head_dim_;
  double base_;
};
TORCH_MODULE(RotaryEncoding);

}  // namespace wavemt
