#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "training/update_batches.h"

namespace wavemt {

/// One batch of an update, or one of the pieces into which it is split when memory is short.
struct BatchPiece {
  std::shared_ptr<const Batch> batch;
  uint64_t batch_number = 0;  // Within the update, over all ranks, from 0.
  /// Where the piece comes from: 1 is the whole batch, 2 and 3 are its halves, 4 and 5 the halves
  /// of 2, and so on.
  uint64_t node = 1;
  /// Whether this is the first piece of its update. Later ones have less memory, because the
  /// gradients already exist.
  bool is_first = false;
  /// Whether this is the last piece of its update, which completes the gradients.
  bool is_last = false;
};

/// One piece for each batch of an update.
std::vector<BatchPiece> WholeBatches(UpdateBatches update);

/// REQUIRES: piece.batch->rows >= 2
std::pair<BatchPiece, BatchPiece> Halve(const BatchPiece& piece);

/// The seed of everything random in the forward pass of `piece` at `step`. It depends on nothing
/// else, so a resumed run draws the same numbers without any saved state.
uint64_t ForwardSeed(uint64_t run_seed, int64_t step, const BatchPiece& piece);

}  // namespace wavemt
