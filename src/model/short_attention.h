#pragma once

#include <torch/torch.h>

namespace wavemt {

/// softmax(query key^T / sqrt(head_dim)) value, by loops of our own, which are faster than
/// LibTorch's kernel for sentences (scripts/README.md, training on the CPU).
///
/// All tensors are [batch, num_heads, length, head_dim]. mask: [batch, 1, 1, keys], bool, true =
/// may attend; undefined: no padding. causal: query i sees the keys up to number i + keys -
/// queries. A query that sees no key gets 0. REQUIRES: CanAttendShort()
torch::Tensor AttendShort(const torch::Tensor& query, const torch::Tensor& key,
                          const torch::Tensor& value, const torch::Tensor& mask, bool causal);

/// Whether AttendShort() can do it: in fp32 on the CPU, for few keys.
bool CanAttendShort(const torch::Tensor& query, const torch::Tensor& key,
                    const torch::Tensor& mask);

}  // namespace wavemt
