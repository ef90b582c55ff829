#pragma once

#include <cstdint>
#include <vector>

#include "data/batch.h"
#include "data/batcher.h"
#include "distributed/world.h"

namespace wavemt {

/// The batches of one update that this process does, of all that the ranks do together.
struct UpdateBatches {
  UpdateBatches() = default;
  /// The batches of an update that one process does alone.
  UpdateBatches(std::vector<Batch> all);  // NOLINT(google-explicit-constructor)

  std::vector<Batch> batches;
  std::vector<uint64_t> numbers;  // Of each of them within the update, from 0.
  int64_t target_tokens = 0;      // Of all ranks: what the loss is averaged over.
};

/// Takes the next batches for one update, `count` for each rank, in the one order that all ranks
/// share: rank r of K does those whose number within the update is r modulo K, and passes over the
/// others without making them. So K ranks train as one process does with K times as much
/// training.gradient_accumulation.
UpdateBatches NextBatches(Batcher& batcher, int64_t count, const World& world);

}  // namespace wavemt
