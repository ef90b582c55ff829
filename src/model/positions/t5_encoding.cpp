#include "model/positions/t5_encoding.h"

#include <cmath>

#include "model/positions/distances.h"

namespace wavemt {

T5EncodingImpl::T5EncodingImpl(const ModelConfig& config)
    : d_model_(config.d_model),
      num_buckets_(config.position_encoding.t5_num_buckets),
      max_distance_(config.position_encoding.t5_max_distance) {
  encoder_bias = register_parameter("encoder_bias", torch::empty({num_buckets_, config.num_heads}));
  decoder_bias = register_parameter("decoder_bias", torch::empty({num_buckets_, config.num_heads}));
}

torch::Tensor T5EncodingImpl::Buckets(const torch::Tensor& distances, Stack stack) const {
  const bool both_sides = stack == Stack::kEncoder;
  const int64_t buckets = both_sides ? num_buckets_ / 2 : num_buckets_;
  const auto lengths = both_sides ? distances.abs() : distances.neg().clamp_min(0);
  const int64_t exact = buckets / 2;
  // In single precision, as Hugging Face does, so that no distance near a boundary changes sides.
  const double range = std::log(static_cast<double>(max_distance_) / static_cast<double>(exact));
  const auto logarithmic =
      (torch::log(lengths.clamp_min(1).to(torch::kFloat) / exact) / range * (buckets - exact))
          .to(torch::kLong) +
      exact;
  const auto sided = torch::where(lengths < exact, lengths, logarithmic.clamp_max(buckets - 1));
  return both_sides ? sided + (distances > 0).to(torch::kLong) * buckets : sided;
}

AttentionPositions T5EncodingImpl::ForAttention(const AttentionSpan& span) {
  const torch::Tensor& bias = span.stack == Stack::kEncoder ? encoder_bias : decoder_bias;
  const auto buckets = Buckets(Distances(span), span.stack);
  const auto by_distance = bias.index_select(0, buckets).t();  // [heads, queries + keys - 1]
  return {.score_bias = OverQueriesAndKeys(by_distance, span.queries).unsqueeze(0)};
}

void T5EncodingImpl::InitializeWeights() {
  const double std = 1.0 / std::sqrt(static_cast<double>(d_model_));
  torch::nn::init::normal_(encoder_bias, 0.0, std);
  torch::nn::init::normal_(decoder_bias, 0.0, std);
}

}  // namespace wavemt
