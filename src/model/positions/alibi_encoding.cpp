#include "model/positions/alibi_encoding.h"

#include <bit>
#include <cmath>

#include "model/positions/distances.h"

namespace wavemt {

AlibiEncodingImpl::AlibiEncodingImpl(int64_t num_heads, AlibiSlopes slopes)
    : num_heads_(num_heads) {
  if (slopes == AlibiSlopes::kTrained) {
    encoder_slopes = register_parameter("encoder_slopes", torch::empty({num_heads}));
    decoder_slopes = register_parameter("decoder_slopes", torch::empty({num_heads}));
  }
}

std::vector<double> AlibiEncodingImpl::Slopes(int64_t num_heads) {
  const auto power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(num_heads)));
  std::vector<double> slopes;
  for (int64_t i = 1; i <= power; ++i) {
    slopes.push_back(std::exp2(-8.0 * static_cast<double>(i) / static_cast<double>(power)));
  }
  for (int64_t i = 1; static_cast<int64_t>(slopes.size()) < num_heads; i += 2) {
    slopes.push_back(std::exp2(-8.0 * static_cast<double>(i) / static_cast<double>(2 * power)));
  }
  return slopes;
}

AttentionPositions AlibiEncodingImpl::ForAttention(const AttentionSpan& span) {
  const torch::Tensor& trained = span.stack == Stack::kEncoder ? encoder_slopes : decoder_slopes;
  const auto slopes = trained.defined() ? trained : torch::tensor(Slopes(num_heads_), span.options);
  const auto lengths = Distances(span).abs().to(slopes.scalar_type());
  const auto by_distance = torch::outer(slopes, lengths).neg();  // [heads, queries + keys - 1]
  return {.score_bias = OverQueriesAndKeys(by_distance, span.queries).unsqueeze(0)};
}

void AlibiEncodingImpl::InitializeWeights() {
  if (!encoder_slopes.defined()) return;
  const auto slopes = torch::tensor(Slopes(num_heads_));
  encoder_slopes.copy_(slopes);
  decoder_slopes.copy_(slopes);
}

}  // namespace wavemt
