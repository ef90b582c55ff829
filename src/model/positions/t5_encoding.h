#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/positions/position_encoding.h"

namespace wavemt {

/// Adds to each score of self-attention a learned number that depends on the head and on the
/// distance between query and key (Raffel et al. 2020, section 2.1). Distances share numbers in
/// buckets: half of the buckets for one distance each, half for ranges that grow geometrically up
/// to t5_max_distance; in the encoder, each direction has half of the buckets. All layers of a
/// stack share the numbers. Unlike T5, wavemt scales scores by 1 / sqrt(head_dim) first.
class T5EncodingImpl : public PositionEncodingImpl {
 public:
  explicit T5EncodingImpl(const ModelConfig& config);

  AttentionPositions ForAttention(const AttentionSpan& span) override;
  /// Normal with variance 1 / d_model, as in T5.
  void InitializeWeights() override;

  /// The bucket of each distance (position of the key - position of the query). Distances past 0
  /// fall in bucket 0 in a decoder, which never attends to them.
  torch::Tensor Buckets(const torch::Tensor& distances, Stack stack) const;

  torch::Tensor encoder_bias;  // [t5_num_buckets, num_heads]
  torch::Tensor decoder_bias;  // [t5_num_buckets, num_heads]

 private:
  int64_t d_model_;
  int64_t num_buckets_;
  int64_t max_distance_;
};
TORCH_MODULE(T5Encoding);

}  // namespace wavemt
