#include "model/attention_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/bfloat16.h"
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

struct Output {
  float* data = nullptr;
  int64_t stride = 0;
  bool is_added_to = false;
};

// kRows rows and kLanes columns of left * right. With six rows the sums fill the registers of AVX2.
template <int kRows>
WAVEMT_INLINE void MultiplyBlock(const Left& left, int64_t inner, const float* right,
                                 int64_t right_stride, const Output& output) {
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
    for (int64_t j = 0; j < kLanes; ++j) {
      float* sum = output.data + i * output.stride + j;
      *sum = output.is_added_to ? *sum + sums[i][j] : sums[i][j];
    }
  }
}

// output = left * right: [rows, inner] * [inner, columns], where columns is a multiple of kLanes.
WAVEMT_INLINE void Multiply(int64_t rows, int64_t columns, int64_t inner, const Left& left,
                            const HeadAttention::Rows& right, const Output& output) {
  constexpr int64_t kBlock = 6;
  for (int64_t i = 0; i < rows; i += kBlock) {
    Left block = left;
    block.data += i * left.stride;
    for (int64_t j = 0; j < columns; j += kLanes) {
      const float* r = right.data + j;
      Output o = output;
      o.data += i * output.stride + j;
      switch (std::min(rows - i, kBlock)) {
        case 1:
          MultiplyBlock<1>(block, inner, r, right.stride, o);
          break;
        case 2:
          MultiplyBlock<2>(block, inner, r, right.stride, o);
          break;
        case 3:
          MultiplyBlock<3>(block, inner, r, right.stride, o);
          break;
        case 4:
          MultiplyBlock<4>(block, inner, r, right.stride, o);
          break;
        case 5:
          MultiplyBlock<5>(block, inner, r, right.stride, o);
          break;
        default:
          MultiplyBlock<6>(block, inner, r, right.stride, o);
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

// The numbers of a row over distances that belong to the keys of query i begin here.
WAVEMT_INLINE int64_t FirstDistance(const HeadAttention& a, int64_t i) {
  return a.num_queries - 1 - i;
}

// scores[i, j] += rows[i] vectors[j - i]. by_distance: room for [num_queries,
// num_distances, rounded up].
WAVEMT_INLINE void AddByDistance(const HeadAttention& a, const HeadAttention::Rows& rows,
                                 const HeadAttention::ByDistance& vectors, float* by_distance,
                                 float* scores) {
  const int64_t padded = RoundedUpToLanes(a.num_keys);
  const int64_t distances = RoundedUpToLanes(a.num_distances());
  Multiply(a.num_queries, distances, a.head_dim, {.data = rows.data, .stride = rows.stride},
           {.data = vectors.transposed, .stride = distances},
           {.data = by_distance, .stride = distances});
  for (int64_t i = 0; i < a.num_queries; ++i) {
    const float* from = by_distance + i * distances + FirstDistance(a, i);
    float* to = scores + i * padded;
#pragma omp simd
    for (int64_t j = 0; j < a.num_keys; ++j) to[j] += from[j];
  }
}

// by_distance[i, j - i + num_queries - 1] = weights[i, j], and 0 elsewhere.
WAVEMT_INLINE void SortByDistance(const HeadAttention& a, const float* weights,
                                  float* by_distance) {
  const int64_t padded = RoundedUpToLanes(a.num_keys);
  const int64_t distances = RoundedUpToLanes(a.num_distances());
  std::fill_n(by_distance, a.num_queries * distances, 0.0F);
  for (int64_t i = 0; i < a.num_queries; ++i) {
    std::copy_n(weights + i * padded, a.num_keys,
                by_distance + i * distances + FirstDistance(a, i));
  }
}

WAVEMT_INLINE float Scale(const HeadAttention& a) {
  return 1.0F / std::sqrt(static_cast<float>(a.head_dim));
}

}  // namespace

WAVEMT_VECTORIZED void WidenRows(const uint16_t* from, int64_t stride, int64_t rows,
                                 int64_t head_dim, float* to) {
  for (int64_t r = 0; r < rows; ++r) {
    const uint16_t* row = from + r * stride;
    float* wide = to + r * head_dim;
#pragma omp simd
    for (int64_t c = 0; c < head_dim; ++c) wide[c] = FromBfloat16(row[c]);
  }
}

WAVEMT_VECTORIZED void RoundRows(const float* from, int64_t rows, int64_t head_dim, uint16_t* to,
                                 int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = from + r * head_dim;
    uint16_t* narrow = to + r * stride;
#pragma omp simd
    for (int64_t c = 0; c < head_dim; ++c) narrow[c] = ToBfloat16(row[c]);
  }
}

int64_t AttentionScratchSize(const HeadAttention& a) {
  const int64_t by_distance =
      a.key_vectors.data == nullptr ? 0 : a.num_queries * RoundedUpToLanes(a.num_distances());
  return (a.head_dim + a.num_queries) * RoundedUpToLanes(a.num_keys) + by_distance;
}

WAVEMT_VECTORIZED void AttendHead(const HeadAttention& a, float* scratch, float* weights,
                                  const HeadAttention::MutableRows& output) {
  const int64_t padded = RoundedUpToLanes(a.num_keys);
  const int64_t distances = RoundedUpToLanes(a.num_distances());
  const bool has_vectors = a.key_vectors.data != nullptr;
  float* transposed = scratch;                         // [head_dim, padded]
  float* by_distance = scratch + a.head_dim * padded;  // [num_queries, distances]
  Transpose(a.key, a.num_keys, a.head_dim, padded, transposed);
  Multiply(a.num_queries, padded, a.head_dim, {.data = a.query.data, .stride = a.query.stride},
           {.data = transposed, .stride = padded}, {.data = weights, .stride = padded});
  if (has_vectors) AddByDistance(a, a.query, a.key_vectors, by_distance, weights);
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
  Multiply(a.num_queries, a.head_dim, a.num_keys, {.data = weights, .stride = padded}, a.value,
           {.data = output.data, .stride = output.stride});
  if (has_vectors) {
    SortByDistance(a, weights, by_distance);
    Multiply(a.num_queries, a.head_dim, a.num_distances(),
             {.data = by_distance, .stride = distances},
             {.data = a.value_vectors.data, .stride = a.head_dim},
             {.data = output.data, .stride = output.stride, .is_added_to = true});
  }
}

WAVEMT_VECTORIZED void AttendHeadBackward(const HeadAttention& a, float* scratch,
                                          const float* weights,
                                          const HeadAttention::Rows& output_gradient,
                                          const HeadGradients& gradients) {
  const int64_t padded = RoundedUpToLanes(a.num_keys);
  const int64_t distances = RoundedUpToLanes(a.num_distances());
  const bool has_vectors = a.key_vectors.data != nullptr;
  float* transposed = scratch;                                   // [head_dim, padded]
  float* score_gradient = transposed + a.head_dim * padded;      // [num_queries, padded]
  float* by_distance = score_gradient + a.num_queries * padded;  // [num_queries, distances]
  Transpose(a.value, a.num_keys, a.head_dim, padded, transposed);
  Multiply(a.num_queries, padded, a.head_dim,
           {.data = output_gradient.data, .stride = output_gradient.stride},
           {.data = transposed, .stride = padded}, {.data = score_gradient, .stride = padded});
  if (has_vectors) {
    AddByDistance(a, output_gradient, a.value_vectors, by_distance, score_gradient);
  }
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
  Multiply(a.num_queries, a.head_dim, a.num_keys, {.data = score_gradient, .stride = padded}, a.key,
           {.data = gradients.query.data, .stride = gradients.query.stride});
  Multiply(a.num_keys, a.head_dim, a.num_queries,
           {.data = score_gradient, .stride = 1, .inner_stride = padded}, a.query,
           {.data = gradients.key.data, .stride = gradients.key.stride});
  Multiply(a.num_keys, a.head_dim, a.num_queries,
           {.data = weights, .stride = 1, .inner_stride = padded}, output_gradient,
           {.data = gradients.value.data, .stride = gradients.value.stride});
  if (!has_vectors) return;
  const Left over_queries = {.data = by_distance, .stride = 1, .inner_stride = distances};
  SortByDistance(a, score_gradient, by_distance);
  Multiply(a.num_queries, a.head_dim, a.num_distances(), {.data = by_distance, .stride = distances},
           {.data = a.key_vectors.data, .stride = a.head_dim},
           {.data = gradients.query.data, .stride = gradients.query.stride, .is_added_to = true});
  Multiply(a.num_distances(), a.head_dim, a.num_queries, over_queries, a.query,
           {.data = gradients.key_vectors, .stride = a.head_dim, .is_added_to = true});
  SortByDistance(a, weights, by_distance);
  Multiply(a.num_distances(), a.head_dim, a.num_queries, over_queries, output_gradient,
           {.data = gradients.value_vectors, .stride = a.head_dim, .is_added_to = true});
}

}  // namespace wavemt
