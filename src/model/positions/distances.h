#pragma once

#include <torch/torch.h>

#include "model/positions/position_encoding.h"

namespace wavemt {

/// The distances (position of the key - position of the query) that occur in a span, from the most
/// negative to the largest: [queries + keys - 1], int64.
torch::Tensor Distances(const AttentionSpan& span);

/// Spreads what depends on the distance over queries and keys. by_distance: [..., queries + keys -
/// 1], in the order of Distances(). Returns [..., queries, keys].
torch::Tensor OverQueriesAndKeys(const torch::Tensor& by_distance, int64_t queries);

}  // namespace wavemt
