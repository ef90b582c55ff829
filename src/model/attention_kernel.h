#pragma once

#include <cstdint>

namespace wavemt {

/// Rows of [head_dim], `stride` apart in bf16 (as bits), to [rows, head_dim] in fp32, and back.
void WidenRows(const uint16_t* from, int64_t stride, int64_t rows, int64_t head_dim, float* to);
void RoundRows(const float* from, int64_t rows, int64_t head_dim, uint16_t* to, int64_t stride);

/// How many numbers the loops compute with at once.
inline constexpr int64_t kAttentionLanes = 16;
constexpr int64_t RoundedUpToLanes(int64_t count) {
  return (count + kAttentionLanes - 1) / kAttentionLanes * kAttentionLanes;
}

/// Attention of one head in one sentence,
///   output[i] = sum over j of weights[i, j] (v[j] + value_vectors[j - i]), where
///   weights[i, j] = softmax over j of (q[i] (k[j] + key_vectors[j - i]) / sqrt(head_dim)),
/// over plain arrays, for a single thread. It suits short sentences, whose scores all fit in the
/// cache; every product of matrices is too small for a library.
struct HeadAttention {
  /// The rows of a matrix, each [head_dim], are `stride` apart.
  struct Rows {
    const float* data = nullptr;
    int64_t stride = 0;
  };
  struct MutableRows {
    float* data = nullptr;
    int64_t stride = 0;
  };

  /// Vectors by distance (Shaw et al. 2018); without any, nothing is added.
  struct ByDistance {
    /// [num_distances(), head_dim]: row j - i + num_queries - 1 is for key j as query i sees it.
    const float* data = nullptr;
    const float* transposed = nullptr;  // [head_dim, RoundedUpToLanes(num_distances())]
  };

  int64_t num_queries = 0;
  int64_t num_keys = 0;
  int64_t head_dim = 0;  // A multiple of kAttentionLanes.
  Rows query{};
  Rows key{};
  Rows value{};
  const bool* visible = nullptr;  // [num_keys], false: nobody attends to it; null: all are visible.
  bool causal = false;            // Query i sees the keys up to number i + num_keys - num_queries.
  ByDistance key_vectors{};
  ByDistance value_vectors{};  // Where there are key_vectors.

  int64_t num_distances() const { return num_queries + num_keys - 1; }
};

/// The numbers that a call needs as scratch memory.
int64_t AttentionScratchSize(const HeadAttention& attention);

/// weights: [num_queries, RoundedUpToLanes(num_keys)], 0 behind the last key; a query that sees no
/// key has weights of 0 and a result of 0. output: [num_queries, head_dim].
void AttendHead(const HeadAttention& attention, float* scratch, float* weights,
                const HeadAttention::MutableRows& output);

/// The gradients of query, key and value for that of the output and the weights of AttendHead().
struct HeadGradients {
  HeadAttention::MutableRows query{};
  HeadAttention::MutableRows key{};
  HeadAttention::MutableRows value{};
  // [num_distances(), head_dim], to which the head's part is added.
  float* key_vectors = nullptr;
  float* value_vectors = nullptr;
};
void AttendHeadBackward(const HeadAttention& attention, float* scratch, const float* weights,
                        const HeadAttention::Rows& output_gradient, const HeadGradients& gradients);

}  // namespace wavemt
