#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "data/batch.h"

namespace wavemt {

/// A batch of an update, or one of the pieces that it is done in where memory is short.
struct BatchPiece {
  std::shared_ptr<const Batch> batch;
  uint64_t batch_number = 0;  // In the update, from 0.
  /// 1 is the whole batch, 2 and 3 are its halves, 4 and 5 the halves of 2, and so on.
  uint64_t node = 1;
  /// Whether this is the first piece of its update: later ones find the gradients of the earlier
  /// ones in memory.
  bool is_first = false;
};

/// Each of an update's batches as one piece.
std::vector<BatchPiece> WholeBatches(std::vector<Batch> batches);

/// REQUIRES: piece.batch->rows >= 2
std::pair<BatchPiece, BatchPiece> Halve(const BatchPiece& piece);

/// The seed of everything random in the forward pass of `piece` at `step`: a function of the run's
/// seed and of these, so that nothing has to be saved for a resumed run to draw the same numbers.
uint64_t ForwardSeed(uint64_t run_seed, int64_t step, const BatchPiece& piece);

}  // namespace wavemt
