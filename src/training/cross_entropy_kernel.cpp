#include "training/cross_entropy_kernel.h"

#include <cmath>
#include <limits>

#include "support/bfloat16.h"
#include "support/vector_exp.h"
#include "support/vectorize.h"

namespace wavemt {

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
    const float e = VectorExp(shifted);
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
