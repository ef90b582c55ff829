#pragma once

#include <torch/torch.h>

#include "model/positions/position_encoding.h"

namespace wavemt {

/// The positions themselves, as numbers of the type of `options`: [length], or [batch, length].
inline torch::Tensor PositionsOf(const TokenPositions& positions, int64_t length,
                                 const torch::TensorOptions& options) {
  const auto offsets = torch::arange(positions.first, positions.first + length, options);
  if (!positions.starts.defined()) return offsets;
  return positions.starts.unsqueeze(1) + offsets;
}

/// The rows of `table` ([max_length, width]) for `length` tokens at `positions`: [length, width],
/// or [batch, length, width] if the rows of the batch start at positions of their own.
inline torch::Tensor RowsAt(const torch::Tensor& table, const TokenPositions& positions,
                            int64_t length) {
  if (!positions.starts.defined()) return table.narrow(0, positions.first, length);
  const auto rows = PositionsOf(positions, length, positions.starts.options());
  return table.index_select(0, rows.flatten()).view({-1, length, table.size(1)});
}

}  // namespace wavemt
