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

WAVEMT_VECTORIZED float RDropRows(float* first, float* second, float* scratch, int64_t size,
                                  int64_t label, float label_smoothing, float alpha) {
  const float p_label = first[label];
  const float q_label = second[label];
  float p_largest = -std::numeric_limits<float>::infinity();
  float q_largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : p_largest, q_largest)
  for (int64_t i = 0; i < size; ++i) {
    p_largest = first[i] > p_largest ? first[i] : p_largest;
    q_largest = second[i] > q_largest ? second[i] : q_largest;
  }
  float p_sum = 0;
  float q_sum = 0;
  float p_exp_sum = 0;
  float q_exp_sum = 0;
  float p_difference = 0;  // The sum of the differences, each times exp of p's logit.
  float q_difference = 0;
#pragma omp simd reduction(+ : p_sum, q_sum, p_exp_sum, q_exp_sum, p_difference, q_difference)
  for (int64_t i = 0; i < size; ++i) {
    const float p_shifted = first[i] - p_largest;
    const float q_shifted = second[i] - q_largest;
    const float difference = p_shifted - q_shifted;
    const float p_exp = VectorExp(p_shifted);
    const float q_exp = VectorExp(q_shifted);
    scratch[i] = difference;
    first[i] = p_exp;
    second[i] = q_exp;
    p_sum += p_shifted;
    q_sum += q_shifted;
    p_exp_sum += p_exp;
    q_exp_sum += q_exp;
    p_difference += p_exp * difference;
    q_difference += q_exp * difference;
  }
  const float p_log_sum = std::log(p_exp_sum);
  const float q_log_sum = std::log(q_exp_sum);
  // log p - log q of a token is its difference less this.
  const float log_ratio = p_log_sum - q_log_sum;
  const float p_to_q = p_difference / p_exp_sum - log_ratio;  // KL(p||q)
  const float q_to_p = log_ratio - q_difference / q_exp_sum;  // KL(q||p)
  const auto count = static_cast<float>(size);
  const float p_scale = 1.0F / p_exp_sum;
  const float q_scale = 1.0F / q_exp_sum;
  const float spread = label_smoothing / count;
  const float weight = 0.25F * alpha;
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) {
    const float p = first[i] * p_scale;
    const float q = second[i] * q_scale;
    const float log_p_by_q = scratch[i] - log_ratio;
    const float p_pull = p * (log_p_by_q - p_to_q) + (p - q);
    const float q_pull = q * (log_p_by_q + q_to_p) + (p - q);
    first[i] = 0.5F * (p - spread) + weight * p_pull;
    second[i] = 0.5F * (q - spread) - weight * q_pull;
  }
  first[label] -= 0.5F * (1.0F - label_smoothing);
  second[label] -= 0.5F * (1.0F - label_smoothing);
  const float p_loss = p_log_sum - (1.0F - label_smoothing) * (p_label - p_largest) -
                       label_smoothing * (p_sum / count);
  const float q_loss = q_log_sum - (1.0F - label_smoothing) * (q_label - q_largest) -
                       label_smoothing * (q_sum / count);
  return 0.5F * (p_loss + q_loss) + weight * (p_to_q + q_to_p);
}

WAVEMT_VECTORIZED float RDropRows(uint16_t* first, uint16_t* second, float* scratch, int64_t size,
                                  int64_t label, float label_smoothing, float alpha) {
  float* p_logits = scratch + size;
  float* q_logits = scratch + 2 * size;
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) {
    p_logits[i] = FromBfloat16(first[i]);
    q_logits[i] = FromBfloat16(second[i]);
  }
  const float loss = RDropRows(p_logits, q_logits, scratch, size, label, label_smoothing, alpha);
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) {
    first[i] = ToBfloat16(p_logits[i]);
    second[i] = ToBfloat16(q_logits[i]);
  }
  return loss;
}

}  // namespace wavemt
