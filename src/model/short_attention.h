#pragma once

#include <torch/torch.h>

namespace wavemt {

/// What a batch attends to, and how. Keys and values are [batch, num_heads, keys, head_dim].
struct ShortAttention {
  torch::Tensor key;
  torch::Tensor value;
  torch::Tensor mask{};  // [batch, 1, 1, keys], bool, true = may attend; undefined: no padding.
  bool causal = false;   // Query i sees the keys up to number i + keys - queries.
  /// Added to keys and values by their distance from the query: [queries + keys - 1, head_dim], row
  /// j - i + queries - 1 to key j as query i sees it (Shaw et al. 2018). Both or none.
  torch::Tensor key_vectors{};
  torch::Tensor value_vectors{};
};

/// softmax(query key^T / sqrt(head_dim)) value for query, [batch, num_heads, queries, head_dim], by
/// loops of our own. For sentences they take half as long as LibTorch's kernel on one thread, and
/// as long on two (scripts/README.md, training on the CPU). A query that sees no key gets 0.
/// REQUIRES: CanAttendShort()
torch::Tensor AttendShort(const torch::Tensor& query, const ShortAttention& attention);

/// Whether AttendShort() can do it: in fp32 on the CPU, for few keys.
bool CanAttendShort(const torch::Tensor& query, const ShortAttention& attention);

}  // namespace wavemt
