#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/positions/position_encoding.h"

namespace wavemt {

/// Adds learned vectors to keys and values of self-attention, chosen by the distance from the
/// query, which is clipped to k either way (Shaw et al. 2018, section 3). Each layer has vectors of
/// its own; the heads of a layer share them.
class RelativeEncodingImpl : public PositionEncodingImpl {
 public:
  /// k is config.position_encoding.relative_clip_distance.
  explicit RelativeEncodingImpl(const ModelConfig& config);

  AttentionPositions ForAttention(const AttentionSpan& span) override;
  /// Normal with variance 1 / head_dim.
  void InitializeWeights() override;

  // Row k + d belongs to keys d positions after the query. The decoder sees no key after it.
  torch::Tensor encoder_keys;    // [num_encoder_layers, 2 k + 1, head_dim]
  torch::Tensor encoder_values;  // [num_encoder_layers, 2 k + 1, head_dim]
  torch::Tensor decoder_keys;    // [num_decoder_layers, k + 1, head_dim]
  torch::Tensor decoder_values;  // [num_decoder_layers, k + 1, head_dim]

 private:
  int64_t clip_distance_;
};
TORCH_MODULE(RelativeEncoding);

}  // namespace wavemt
