#include "model/positions/rotary_encoding.h"

#include "model/positions/wave_angles.h"

namespace wavemt {

RotaryEncodingImpl::RotaryEncodingImpl(int64_t head_dim, double base)
    : head_dim_(head_dim), base_(base) {}

AttentionPositions RotaryEncodingImpl::ForAttention(const AttentionSpan& span) {
  const auto options = torch::TensorOptions(torch::kDouble).device(span.options.device());
  const auto positions = torch::arange(span.first, span.first + span.queries, options);
  const auto angles = WaveAngles(positions, head_dim_, base_);  // [queries, head_dim / 2]
  const bool is_double = span.options.dtype() == torch::kDouble;
  return {.rotation = torch::polar(torch::ones_like(angles), angles)
                          .to(is_double ? torch::kComplexDouble : torch::kComplexFloat)};
}

}  // namespace wavemt
