#include "model/positions/relative_encoding.h"

#include <cmath>

#include "model/positions/distances.h"

namespace wavemt {

RelativeEncodingImpl::RelativeEncodingImpl(const ModelConfig& config)
    : clip_distance_(config.position_encoding.relative_clip_distance) {
  const int64_t head_dim = config.d_model / config.num_heads;
  const auto vectors = [&](const char* name, int64_t layers, int64_t rows) {
    return register_parameter(name, torch::empty({layers, rows, head_dim}));
  };
  const int64_t both_sides = 2 * clip_distance_ + 1;
  encoder_keys = vectors("encoder_keys", config.num_encoder_layers, both_sides);
  encoder_values = vectors("encoder_values", config.num_encoder_layers, both_sides);
  decoder_keys = vectors("decoder_keys", config.num_decoder_layers, clip_distance_ + 1);
  decoder_values = vectors("decoder_values", config.num_decoder_layers, clip_distance_ + 1);
}

AttentionPositions RelativeEncodingImpl::ForAttention(const AttentionSpan& span) {
  const bool is_encoder = span.stack == Stack::kEncoder;
  const int64_t largest = is_encoder ? clip_distance_ : 0;
  const auto rows = Distances(span).clamp(-clip_distance_, largest) + clip_distance_;
  const torch::Tensor& keys = is_encoder ? encoder_keys : decoder_keys;
  const torch::Tensor& values = is_encoder ? encoder_values : decoder_values;
  return {.key_vectors = keys.index_select(1, rows), .value_vectors = values.index_select(1, rows)};
}

void RelativeEncodingImpl::InitializeWeights() {
  for (torch::Tensor& vectors : parameters()) {
    torch::nn::init::normal_(vectors, 0.0, 1.0 / std::sqrt(static_cast<double>(vectors.size(2))));
  }
}

}  // namespace wavemt
