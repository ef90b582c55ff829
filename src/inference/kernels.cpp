#include "inference/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "support/bfloat16.h"
#include "support/vector_exp.h"
#include "support/vectorize.h"

namespace wavemt {
namespace {

// How many numbers are computed with at once: one register, or several where registers are shorter.
constexpr int64_t kLanes = kScoresTogether;

WAVEMT_INLINE float Dot(const float* a, const float* b, int64_t count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// y = sum over j of weights[j] * (keys[j] + offset), for kBlocks * kLanes numbers.
template <int kBlocks>
WAVEMT_INLINE void AddWeighted(std::span<const float* const> keys, const float* weights,
                               int64_t offset, float* y) {
  float sums[kBlocks][kLanes] = {};
  for (size_t j = 0; j < keys.size(); ++j) {
    const float* value = keys[j] + offset;
    const float weight = weights[j];
#pragma GCC unroll 2
    for (int block = 0; block < kBlocks; ++block) {
#pragma omp simd
      for (int64_t i = 0; i < kLanes; ++i) sums[block][i] += weight * value[block * kLanes + i];
    }
  }
#pragma GCC unroll 2
  for (int block = 0; block < kBlocks; ++block) {
#pragma omp simd
    for (int64_t i = 0; i < kLanes; ++i) y[block * kLanes + i] = sums[block][i];
  }
}

WAVEMT_INLINE void WeightedSum(std::span<const float* const> keys, const float* weights,
                               int64_t offset, int64_t count, float* y) {
  int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    AddWeighted<2>(keys, weights, offset + i, y + i);
  }
  for (; i + kLanes <= count; i += kLanes) AddWeighted<1>(keys, weights, offset + i, y + i);
  for (; i < count; ++i) {
    y[i] = 0;
    for (size_t j = 0; j < keys.size(); ++j) y[i] += weights[j] * keys[j][offset + i];
  }
}

WAVEMT_INLINE void AddScaled(float scale, const float* from, int64_t count, float* to) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) to[i] += scale * from[i];
}

// Turns scores into weights that sum to 1. There is room for a multiple of kLanes.
WAVEMT_INLINE void Softmax(float* scores, int64_t count) {
  const int64_t padded = (count + kLanes - 1) / kLanes * kLanes;
  for (int64_t j = count; j < padded; ++j) scores[j] = -std::numeric_limits<float>::infinity();
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t j = 0; j < padded; ++j) largest = scores[j] > largest ? scores[j] : largest;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < padded; ++j) {
    const float e = VectorExp(scores[j] - largest);
    scores[j] = e;
    sum += e;
  }
  const float scale = 1.0F / sum;
#pragma omp simd
  for (int64_t j = 0; j < padded; ++j) scores[j] *= scale;
}

WAVEMT_INLINE void AttendHeads(const QueryAttention& a, float* scores, float* y) {
  const auto count = static_cast<int64_t>(a.keys.size());
  const int64_t head_dim = a.head_dim;
  const int64_t d_model = a.num_heads * head_dim;
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  const int64_t prefix = a.prefix;
  for (int64_t h = 0; h < a.num_heads; ++h) {
    const float* query = a.query + h * head_dim;
    const int64_t offset = h * head_dim;
    for (int64_t j = 0; j < count; ++j) {
      scores[j] = Dot(query, a.keys[static_cast<size_t>(j)] + offset, head_dim) * scale;
    }
    if (a.key_vectors != nullptr) {
      for (int64_t j = prefix; j < count; ++j) {
        scores[j] += Dot(query, a.key_vectors + (j - prefix) * head_dim, head_dim) * scale;
      }
    }
    if (a.bias != nullptr) {
      const float* bias = a.bias + h * a.bias_stride;
      for (int64_t j = prefix; j < count; ++j) scores[j] += bias[j - prefix];
    }
    Softmax(scores, count);
    WeightedSum(a.keys, scores, d_model + offset, head_dim, y + offset);
    if (a.value_vectors != nullptr) {
      for (int64_t j = prefix; j < count; ++j) {
        AddScaled(scores[j], a.value_vectors + (j - prefix) * head_dim, head_dim, y + offset);
      }
    }
  }
}

}  // namespace

WAVEMT_VECTORIZED void Accumulate(float* to, const float* from, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) to[i] += from[i];
}

WAVEMT_VECTORIZED void NormalizeRows(const NormWeights& norm, const float* x, int64_t rows,
                                     int64_t columns, float* y) {
  const auto count = static_cast<float>(columns);
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x + r * columns;
    float* out = y + r * columns;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < columns; ++i) sum += row[i];
    const float mean = sum / count;
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < columns; ++i) squares += (row[i] - mean) * (row[i] - mean);
    const float scale = 1.0F / std::sqrt(squares / count + norm.epsilon);
#pragma omp simd
    for (int64_t i = 0; i < columns; ++i) {
      out[i] = (row[i] - mean) * scale * norm.weight[i] + norm.bias[i];
    }
  }
}

WAVEMT_VECTORIZED void TurnHeads(const float* rotation, int64_t heads, int64_t head_dim, float* x) {
  for (int64_t h = 0; h < heads; ++h) {
    float* head = x + h * head_dim;
    for (int64_t i = 0; i < head_dim; i += 2) {
      const float real = head[i];
      const float imaginary = head[i + 1];
      head[i] = real * rotation[i] - imaginary * rotation[i + 1];
      head[i + 1] = real * rotation[i + 1] + imaginary * rotation[i];
    }
  }
}

WAVEMT_VECTORIZED void Attend(const QueryAttention& attention, float* scores, float* y) {
  AttendHeads(attention, scores, y);
}

WAVEMT_VECTORIZED void AddWeights(const QueryAttention& a, float* scores, float* weights) {
  const auto count = static_cast<int64_t>(a.keys.size());
  const float scale = 1.0F / std::sqrt(static_cast<float>(a.head_dim));
  const float share = 1.0F / static_cast<float>(a.num_heads);
  for (int64_t h = 0; h < a.num_heads; ++h) {
    const int64_t offset = h * a.head_dim;
    for (int64_t j = 0; j < count; ++j) {
      const float* key = a.keys[static_cast<size_t>(j)] + offset;
      scores[j] = Dot(a.query + offset, key, a.head_dim) * scale;
    }
    Softmax(scores, count);
    AddScaled(share, scores + a.prefix, count - a.prefix, weights);
  }
}

WAVEMT_VECTORIZED float QuantizeRow(const float* row, int64_t columns, uint8_t* quantized) {
  constexpr float kLargest = 127.0F;
  constexpr float kTooSmall = 1e-30F;  // 127 over a number below this would not be finite.
  float largest = 0;
  float zero = 0;  // NaN if the row holds a number that is not finite.
#pragma omp simd reduction(max : largest) reduction(+ : zero)
  for (int64_t i = 0; i < columns; ++i) {
    const float size = row[i] < 0 ? -row[i] : row[i];
    largest = size > largest ? size : largest;
    zero += row[i] * 0.0F;
  }
  const bool is_finite = zero == 0;
  constexpr auto kZero = static_cast<float>(kZeroPoint);
  const float scale = is_finite && largest > kTooSmall ? kLargest / largest : 0.0F;
  if (scale == 0) {
    std::fill_n(quantized, columns, uint8_t{kZeroPoint});
    return is_finite ? 0.0F : std::numeric_limits<float>::quiet_NaN();
  }
#pragma omp simd
  for (int64_t i = 0; i < columns; ++i) {
    // Positive, so that cutting off the fraction rounds to the nearest, and vectorizes.
    // NOLINTNEXTLINE(bugprone-incorrect-roundings)
    quantized[i] = static_cast<uint8_t>(static_cast<int32_t>(row[i] * scale + kZero + 0.5F));
  }
  return largest / kLargest;
}

WAVEMT_VECTORIZED void RoundRow(const float* row, int64_t columns, uint16_t* rounded) {
#pragma omp simd
  for (int64_t i = 0; i < columns; ++i) rounded[i] = ToBfloat16(row[i]);
}

WAVEMT_VECTORIZED void Dequantize(const Dequantization& how, const int32_t* sums,
                                  int64_t sum_stride, int64_t rows, int64_t columns, float* y,
                                  int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t* row = sums + r * sum_stride;
    float* out = y + r * stride;
    const float step = how.row_steps[r];
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) {
      out[c] = static_cast<float>(row[c] - how.offsets[c]) * (step * how.column_steps[c]);
    }
  }
}

WAVEMT_VECTORIZED void Finish(const float* bias, bool relu, int64_t rows, int64_t columns, float* y,
                              int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    float* out = y + r * stride;
    if (bias != nullptr) {
#pragma omp simd
      for (int64_t c = 0; c < columns; ++c) out[c] += bias[c];
    }
    if (relu) {  // NaN stays NaN.
#pragma omp simd
      for (int64_t c = 0; c < columns; ++c) out[c] = out[c] < 0 ? 0 : out[c];
    }
  }
}

WAVEMT_VECTORIZED float AddLogits(const float* logits, int64_t count, LogitSum* sum) {
  float largest_here = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest_here)
  for (int64_t i = 0; i < count; ++i) {
    largest_here = logits[i] > largest_here ? logits[i] : largest_here;
  }
  const float largest = sum->largest > largest_here ? sum->largest : largest_here;
  float added = 0;
#pragma omp simd reduction(+ : added)
  for (int64_t i = 0; i < count; ++i) added += VectorExp(logits[i] - largest);
  // At first nothing has been seen: exp(-infinity) counts as 0.
  const float before = sum->sum > 0 ? sum->sum * std::exp(sum->largest - largest) : 0.0F;
  *sum = {.largest = largest, .sum = before + added};
  return largest_here;
}

WAVEMT_VECTORIZED void AddShare(float share, const float* x, int64_t count, float* sum) {
  AddScaled(share, x, count, sum);
}

WAVEMT_VECTORIZED void AddShareOfExp(float share, const float* x, int64_t count, float* sum) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    // VectorExp() knows no infinity.
    const float e = x[i] < -80.0F ? 0.0F : VectorExp(x[i]);
    sum[i] += share * e;
  }
}

WAVEMT_VECTORIZED int64_t FindAbove(const float* logits, int64_t count, float threshold,
                                    int32_t* indices) {
  // Most blocks hold nothing: a maximum is quick to find.
  constexpr int64_t kBlock = 64;
  int64_t found = 0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = begin + kBlock < count ? begin + kBlock : count;
    int32_t any = 0;
#pragma omp simd reduction(| : any)
    for (int64_t i = begin; i < end; ++i) any |= logits[i] > threshold ? 1 : 0;
    if (any == 0) continue;
    for (int64_t i = begin; i < end; ++i) {
      if (logits[i] > threshold) indices[found++] = static_cast<int32_t>(i);
    }
  }
  return found;
}

}  // namespace wavemt
