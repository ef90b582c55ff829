#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace wavemt {

/// The loops between the matrix products of a forward pass, over plain arrays in row-major order,
/// for a single thread. They are compiled for each generation of vector instructions.

/// to += from
void Accumulate(float* to, const float* from, int64_t count);

/// Layer normalization (Ba et al. 2016) of each row of x, [rows, columns]; y may be x.
struct NormWeights {
  const float* weight = nullptr;
  const float* bias = nullptr;
  float epsilon = 0;
};
void NormalizeRows(const NormWeights& norm, const float* x, int64_t rows, int64_t columns,
                   float* y);

/// Turns the pairs of columns of `heads` heads, each [head_dim], by `rotation`, [head_dim / 2]
/// complex numbers.
void TurnHeads(const float* rotation, int64_t heads, int64_t head_dim, float* x);

/// The attention of one query: y[h] = sum over j of softmax_j(q[h] k[j, h] / sqrt(head_dim) +
/// bias[h, j]) v[j, h], where j counts the keys.
struct QueryAttention {
  int64_t num_heads = 0;
  int64_t head_dim = 0;
  const float* query = nullptr;  // [num_heads, head_dim]
  /// Each key with its value behind it: [2, num_heads, head_dim].
  std::span<const float* const> keys;
  /// The first keys, which are a prefix: what follows does not count them.
  int64_t prefix = 0;
  /// [num_heads, keys after the prefix], whose rows are bias_stride apart; null: none.
  const float* bias = nullptr;
  int64_t bias_stride = 0;
  /// [keys after the prefix, head_dim], added to the keys and values of every head; null: none.
  const float* key_vectors = nullptr;
  const float* value_vectors = nullptr;
};
/// scores: room for one number a key, rounded up to a multiple of kScoresTogether; y: [num_heads,
/// head_dim].
inline constexpr int64_t kScoresTogether = 16;
void Attend(const QueryAttention& attention, float* scores, float* y);

/// The weights of the same attention: adds softmax_j(...), averaged over the heads, to weights[j],
/// for the keys after the prefix. For a query without bias and vectors.
void AddWeights(const QueryAttention& attention, float* scores, float* weights);

/// The byte that stands for 0 in a quantized row.
inline constexpr int32_t kZeroPoint = 128;
/// Quantizes a row to bytes. Returns the size of a step: row[i] = step * (quantized[i] -
/// kZeroPoint), to within half a step; NaN if the row is not finite.
float QuantizeRow(const float* row, int64_t columns, uint8_t* quantized);

/// Rounds to bfloat16.
void RoundRow(const float* row, int64_t columns, uint16_t* rounded);

/// y[r, c] = (sums[r, c] - offsets[c]) * row_steps[r] * column_steps[c]: what sums of products of
/// quantized numbers stand for, where `offsets` is what the inputs' zero point adds. Strides are
/// those of rows.
struct Dequantization {
  const float* row_steps = nullptr;
  const float* column_steps = nullptr;
  const int32_t* offsets = nullptr;
};
void Dequantize(const Dequantization& how, const int32_t* sums, int64_t sum_stride, int64_t rows,
                int64_t columns, float* y, int64_t stride);

/// y[r, c] += bias[c] (null: nothing), then, if relu, max(0, y).
void Finish(const float* bias, bool relu, int64_t rows, int64_t columns, float* y, int64_t stride);

/// What has been seen of a row of logits: their largest and the sum of exp(logit - largest).
struct LogitSum {
  float largest = -std::numeric_limits<float>::infinity();
  float sum = 0;
};
/// Adds `count` logits. Returns the largest of them.
float AddLogits(const float* logits, int64_t count, LogitSum* sum);

/// sum[i] += share * x[i]
void AddShare(float share, const float* x, int64_t count, float* sum);
/// sum[i] += share * exp(x[i])
void AddShareOfExp(float share, const float* x, int64_t count, float* sum);

/// Writes the indices of the logits above `threshold` in order. Returns how many there are.
int64_t FindAbove(const float* logits, int64_t count, float threshold, int32_t* indices);

}  // namespace wavemt
