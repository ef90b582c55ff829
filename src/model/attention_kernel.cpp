#include "model/attention_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/vector_exp.h"
#include "support/vectorize.h"

namespace wavemt {
namespace {

constexpr int64_t kLanes = kAttentionLanes;
constexpr float kNever = -std::numeric_limits<float>::infinity();  // As a score.

// A matrix whose element [i, k] is data[i * stride + k * inner_stride].
struct Left {
  const float* data = nullptr;
  int64_t stride = 0;
  int64_t inner_stride = 1;
};

// kRows rows and kLanes columns of left * right. With six rows the sums fill the registers of AVX2.
template <int kRows>
WAVEMT_INLINE void MultiplyBlock(const Left& left, int64_t inner, const float* right,
                                 int64_t right_stride, float* output, int64_t output_stride) {
  float sums[kRows][kLanes] = {};
  for (int64_t k = 0; k < inner; ++k) {
    const float* row = right + k * right_stride;
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) {
      const float factor = left.data[i * left.stride + k * left.inner_stride];
#pragma omp simd
      for (int64_t j = 0; j < kLanes; ++j) sums[i][j] += factor * row[j];
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i) {
#pragma omp simd
    for (int64_t j = 0; j < kLanes; ++j) output[i * output_stride + j] = sums[i][j];
  }
}

// output = left * right: [rows, inner] * [inner, columns], where columns is a multiple of kLanes.
WAVEMT_INLINE void Multiply(int64_t rows, int64_t columns, int64_t inner, const Left& left,
                            const float* right, int64_t right_stride, float* output,
                            int64_t output_stride) {
  constexpr int64_t kBlock = 6;
  for (int64_t i = 0; i < rows; i += kBlock) {
    Left block = left;
    block.data += i * left.stride;
    for (int64_t j = 0; j < columns; j += kLanes) {
      const float* r = right + j;
      float* o = output + i * output_stride + j;
      switch (std::min(rows - i, kBlock)) {
        case 1:
          MultiplyBlock<1>(block, inner, r, right_stride, o, output_stride);
          break;
        case 2:
          MultiplyBlock<2>(block, inner, r, right_stride, o, output_stride);
          break;
        case 3:
          MultiplyBlock<3>(block, inner, r, right_stride, o, output_stride);
          break;
        case 4:
          MultiplyBlock<4>(block, inner, r, right_stride, o, output_stride);
          break;
        case 5:
          MultiplyBlock<5>(block, inner, r, right_stride, o, output_stride);
          break;
        default:
          MultiplyBlock<6>(block, inner, r, right_stride, o, output_stride);
      }
    }
  }
}

// [rows, columns] -> [columns, padded], 0 behind the last row.
WAVEMT_INLINE void Transpose(const HeadAttention::Rows& from, int64_t rows, int64_t columns,
                             int64_t padded, float* to) {
  for (int64_t c = 0; c < columns; ++c) {
    float* row = to + c * padded;
    for (int64_t r = 0; r < rows; ++r) row[r] = from.data[r * from.stride + c];
    for (int64_t r = rows; r < padded; ++r) row[r] = 0;
  }
}

// Turns scores, which have been multiplied by nothing yet, into weights.
WAVEMT_INLINE void Softmax(float scale, int64_t padded, float* scores) {
  float largest = kNever;
#pragma omp simd reduction(max : largest)
  for (int64_t j = 0; j < padded; ++j) largest = scores[j] > largest ? scores[j] : largest;
  if (largest == kNever) largest = 0;  // Else a query that sees no key would get NaN.
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < padded; ++j) {
    const float e = scores[j] == kNever ? 0.0F : VectorExp((scores[j] - largest) * scale);
    scores[j] = e;
    sum += e;
  }
  const float share = sum == 0 ? 0.0F : 1.0F / sum;
#pragma omp simd
  for (int64_t j = 0; j < padded; ++j) scores[j] *= share;
}

WAVEMT_INLINE float Scale(const HeadAttention& a) {
  return 1.0F / std::sqrt(static_cast<float>(a.head_dim));
}

}  // namespace

int64_t AttentionScratchSize(const HeadAttention& attention) {
  return (attention.head_dim + attention.num_queries) * RoundedUpToLanes(attention.num_keys);
}

WAVEMT_VECTORIZED void AttendHead(const HeadAttention& a, float* scratch, float* weights,
                                  const HeadAttention::MutableRows& output) {
  const int64_t padded = RoundedUpToLanes(a.num_keys);
  float* transposed = scratch;  // [head_dim, padded]
  Transpose(a.key, a.num_keys, a.head_dim, padded, transposed);
  Multiply(a.num_queries, padded, a.head_dim, {.data = a.query.data, .stride = a.query.stride},
           transposed, padded, weights, padded);
  const float scale = Scale(a);
  for (int64_t i = 0; i < a.num_queries; ++i) {
    float* row = weights + i * padded;
    const int64_t end =
        a.causal ? std::min(a.num_keys, i + 1 + a.num_keys - a.num_queries) : a.num_keys;
    if (a.visible != nullptr) {
      for (int64_t j = 0; j < end; ++j) row[j] = a.visible[j] ? row[j] : kNever;
    }
    for (int64_t j = std::max<int64_t>(end, 0); j < padded; ++j) row[j] = kNever;
    Softmax(scale, padded, row);
  }
  Multiply(a.num_queries, a.head_dim, a.num_keys, {.data = weights, .stride = padded}, a.value.data,
           a.value.stride, output.data, output.stride);
}

WAVEMT_VECTORIZED void AttendHeadBackward(const HeadAttention& a, float* scratch,
                                          const float* weights,
                                          const HeadAttention::Rows& output_gradient,
                                          const HeadGradients& gradients) {
  const int64_t padded = RoundedUpToLanes(a.num_keys);
  float* transposed = scratch;                            // [head_dim, padded]
  float* score_gradient = scratch + a.head_dim * padded;  // [num_queries, padded]
  Transpose(a.value, a.num_keys, a.head_dim, padded, transposed);
  Multiply(a.num_queries, padded, a.head_dim,
           {.data = output_gradient.data, .stride = output_gradient.stride}, transposed, padded,
           score_gradient, padded);
  const float scale = Scale(a);
  for (int64_t i = 0; i < a.num_queries; ++i) {
    const float* weight = weights + i * padded;
    float* gradient = score_gradient + i * padded;
    float mean = 0;
#pragma omp simd reduction(+ : mean)
    for (int64_t j = 0; j < padded; ++j) mean += weight[j] * gradient[j];
#pragma omp simd
    for (int64_t j = 0; j < padded; ++j) gradient[j] = scale * weight[j] * (gradient[j] - mean);
  }
  Multiply(a.num_queries, a.head_dim, a.num_keys, {.data = score_gradient, .stride = padded},
           a.key.data, a.key.stride, gradients.query.data, gradients.query.stride);
  Multiply(a.num_keys, a.head_dim, a.num_queries,
           {.data = score_gradient, .stride = 1, .inner_stride = padded}, a.query.data,
           a.query.stride, gradients.key.data, gradients.key.stride);
  Multiply(a.num_keys, a.head_dim, a.num_queries,
           {.data = weights, .stride = 1, .inner_stride = padded}, output_gradient.data,
           output_gradient.stride, gradients.value.data, gradients.value.stride);
}

}  // namespace wavemt
