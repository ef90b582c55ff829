#include "model/positions/rotary_encoding.h"

#include <cmath>

namespace wavemt {

RotaryEncodingImpl::RotaryEncodingImpl(int64_t head_dim, double base)
    : head_dim_(head_dim), base_(base) {}

AttentionPositions RotaryEncodingImpl::ForAttention(const AttentionSpan& span) {
  // In double precision: t * frequency loses digits in single precision for large t.
  const auto options = torch::TensorOptions(torch::kDouble).device(span.options.device());
  const auto two_i = torch::arange(0, head_dim_, 2, options);
  const auto frequencies =
      torch::exp(two_i * (-std::log(base_) / static_cast<double>(head_dim_)));  // [head_dim / 2]
  const auto positions = torch::arange(span.first, span.first + span.queries, options);
  const auto angles = torch::outer(positions, frequencies);  // [queries, head_dim / 2]
  const bool is_double = span.options.dtype() == torch::kDouble;
  return {.rotation = torch::polar(torch::ones_like(angles), angles)
                          .to(is_double ? torch::kComplexDouble : torch::kComplexFloat)};
}

}  // namespace wavemt
