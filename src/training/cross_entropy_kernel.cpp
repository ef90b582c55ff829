#include "training/cross_entropy_kernel.h"

#include <bit>
#include <cmath>
#include <limits>

#include "support/bfloat16.h"
#include "support/vectorize.h"

namespace wavemt {
namespace {

// exp(x) for x <= 0 with a relative error of 1e-7: the polynomial of Cephes's expf (Moshier), in a
// form that compilers vectorize.
WAVEMT_INLINE float Exp(float x) {
  constexpr float kSmallest = -87.0F;  // exp(x) is not a normal number below this.
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr int32_t kExponentBias = 127;
  constexpr int32_t kMantissaBits = 23;
  x = x < kSmallest ? kSmallest : x;
  const float n = std::floor(x * kLog2E + 0.5F);
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

}  // namespace

WAVEMT_VECTORIZED float CrossEntropyRow(float* logits, int64_t size, int64_t label,
                                        float label_smoothing) {
  const float label_logit = logits[label];
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < size; ++i) largest = logits[i] > largest ? logits[i] : largest;
  float sum = 0;
  float exp_sum = 0;
#pragma omp simd reduction(+ : sum, exp_sum)
  for (int64_t i = 0; i < size; ++i) {
    const float shifted = logits[i] - largest;
    sum += shifted;
    const float e = Exp(shifted);
    logits[i] = e;
    exp_sum += e;
  }
  const auto count = static_cast<float>(size);
  const float scale = 1.0F / exp_sum;
  const float spread = label_smoothing / count;
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) logits[i] = logits[i] * scale - spread;
  logits[label] -= 1.0F - label_smoothing;
  const float log_sum = std::log(exp_sum);
  return log_sum - (1.0F - label_smoothing) * (label_logit - largest) -
         label_smoothing * (sum / count);
}

WAVEMT_VECTORIZED float CrossEntropyRow(uint16_t* logits, float* scratch, int64_t size,
                                        int64_t label, float label_smoothing) {
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) scratch[i] = FromBfloat16(logits[i]);
  const float loss = CrossEntropyRow(scratch, size, label, label_smoothing);
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) logits[i] = ToBfloat16(scratch[i]);
  return loss;
}

}  // namespace wavemt
