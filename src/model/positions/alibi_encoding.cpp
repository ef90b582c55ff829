#include "model/positions/alibi_encoding.h"

#include <bit>

#include "model/positions/distances.h"

namespace wavemt {

AlibiEncodingImpl::AlibiEncodingImpl(int64_t num_heads, AlibiSlopes slopes)
    : num_heads_(num_heads) {
  if (slopes == AlibiSlopes::kTrained) {
    encoder_slopes = register_parameter("encoder_slopes", torch::empty({num_heads}));
    decoder_slopes = register_parameter("decoder_slopes", torch::empty({num_heads}));
  }
}

torch::Tensor AlibiEncodingImpl::Slopes(int64_t num_heads, const torch::TensorOptions& options) {
  const auto power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(num_heads)));
  // Computed on the device: copying them to a GPU would wait for it.
  const auto steps = torch::arange(1, power + 1, options);
  const auto half_steps = torch::arange(num_heads - power, options) + 0.5;
  return torch::exp2(torch::cat({steps, half_steps}) * (-8.0 / static_cast<double>(power)));
}

AttentionPositions AlibiEncodingImpl::ForAttention(const AttentionSpan& span) {
  const torch::Tensor& trained = span.stack == Stack::kEncoder ? encoder_slopes : decoder_slopes;
  const auto slopes = trained.defined() ? trained : Slopes(num_heads_, span.options);
  const auto lengths = Distances(span).abs().to(slopes.scalar_type());
  const auto by_distance = torch::outer(slopes, lengths).neg();  // [heads, queries + keys - 1]
  return {.score_bias = OverQueriesAndKeys(by_distance, span.queries).unsqueeze(0)};
}

void AlibiEncodingImpl::InitializeWeights() {
  if (!encoder_slopes.defined()) return;
  const auto slopes = Slopes(num_heads_);
  encoder_slopes.copy_(slopes);
  decoder_slopes.copy_(slopes);
}

}  // namespace wavemt
