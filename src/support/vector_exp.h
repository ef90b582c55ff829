#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "support/vectorize.h"

namespace wavemt {

/// exp(x) for x <= 0 with a relative error of 1e-7, NaN for NaN: the polynomial of Cephes's expf
/// (Moshier), in a form that compilers vectorize.
WAVEMT_INLINE float VectorExp(float x) {
  constexpr float kSmallest = -87.0F;  // exp(x) is not a normal number below this.
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr int32_t kExponentBias = 127;
  constexpr int32_t kMantissaBits = 23;
  x = x < kSmallest ? kSmallest : x;
  // Without NaN, which no integer stands for.
  const float n = std::floor((x > kSmallest ? x : kSmallest) * kLog2E + 0.5F);
  const float r = x - n * kLn2High - n * kLn2Low;  // x = n ln(2) + r, |r| <= ln(2) / 2.
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  return p * std::bit_cast<float>((static_cast<int32_t>(n) + kExponentBias) << kMantissaBits);
}

}  // namespace wavemt
