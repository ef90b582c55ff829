#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace wavemt {

/// The weights are kept for the gradients, in memory that grows with the square of the length.
inline constexpr int64_t kMaxShortKeys = 128;

/// The queries, keys or values of all heads as a projection gives them: its columns from
/// block * num_heads * head_dim on. Projections of one input may share a matrix.
struct HeadColumns {
  torch::Tensor projection;  // [batch, length, blocks * num_heads * head_dim]
  int64_t block = 0;
};

/// What attends to what, and how.
struct ShortAttention {
  HeadColumns query{};
  HeadColumns key{};
  HeadColumns value{};
  int64_t num_heads = 1;
  int64_t head_dim = 0;
  torch::Tensor mask{};  // [batch, 1, 1, keys], bool, true = may attend; undefined: no padding.
  bool causal = false;   // Query i sees the keys up to number i + keys - queries.
  /// Added to keys and values by their distance from the query: [queries + keys - 1, head_dim], row
  /// j - i + queries - 1 to key j as query i sees it (Shaw et al. 2018). Both or none, in fp32.
  torch::Tensor key_vectors{};
  torch::Tensor value_vectors{};
};

/// softmax(query key^T / sqrt(head_dim)) value: [batch, queries, num_heads * head_dim], by loops of
/// our own over the projections as they are. Those may be fp32 or bf16, and so are the result and
/// the gradients; it computes in fp32. For sentences, that takes half as long as LibTorch's kernels
/// (scripts/README.md, training on the CPU). A query that sees no key gets 0.
/// REQUIRES: CanAttendShort(attention)
torch::Tensor AttendShort(const ShortAttention& attention);

/// Whether AttendShort() can do it: on the CPU, for at most kMaxShortKeys keys.
bool CanAttendShort(const ShortAttention& attention);

}  // namespace wavemt
