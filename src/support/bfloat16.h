#pragma once

#include <bit>
#include <cstdint>

#include "support/vectorize.h"

namespace wavemt {

/// A bfloat16 is the upper half of a float, held here as raw bits so that loops over it vectorize.
WAVEMT_INLINE float FromBfloat16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

/// Rounds to nearest, ties to even. NaN stays NaN.
WAVEMT_INLINE uint16_t ToBfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  constexpr uint32_t kNan = 0x7FC0U;
  return static_cast<uint16_t>(value != value ? kNan : rounded);
}

}  // namespace wavemt
