#include "model/positions/distances.h"

namespace wavemt {

torch::Tensor Distances(const AttentionSpan& span) {
  const int64_t last_query = span.first + span.queries - 1;
  return torch::arange(-last_query, span.keys() - span.first,
                       torch::TensorOptions(torch::kLong).device(span.options.device()));
}

torch::Tensor OverQueriesAndKeys(const torch::Tensor& by_distance, int64_t queries) {
  const int64_t keys = by_distance.size(-1) - queries + 1;
  // Window w holds the distances from the query that is the w-th from the end to all keys.
  return by_distance.unfold(-1, keys, /*step=*/1).flip(-2);
}

}  // namespace wavemt
