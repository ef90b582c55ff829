#include "training/batch_piece.h"

#include "data/batch_halves.h"
#include "support/random.h"

namespace wavemt {

std::vector<BatchPiece> WholeBatches(UpdateBatches update) {
  std::vector<BatchPiece> pieces;
  pieces.reserve(update.batches.size());
  for (size_t i = 0; i < update.batches.size(); ++i) {
    pieces.push_back({.batch = std::make_shared<const Batch>(std::move(update.batches[i])),
                      .batch_number = update.numbers[i],
                      .node = 1,
                      .is_first = i == 0,
                      .is_last = i + 1 == update.batches.size()});
  }
  return pieces;
}

std::pair<BatchPiece, BatchPiece> Halve(const BatchPiece& piece) {
  auto [first, second] = Halves(*piece.batch);
  return {{.batch = std::make_shared<const Batch>(std::move(first)),
           .batch_number = piece.batch_number,
           .node = 2 * piece.node,
           .is_first = piece.is_first,
           .is_last = false},
          {.batch = std::make_shared<const Batch>(std::move(second)),
           .batch_number = piece.batch_number,
           .node = 2 * piece.node + 1,
           .is_first = false,
           .is_last = piece.is_last}};
}

uint64_t ForwardSeed(uint64_t run_seed, int64_t step, const BatchPiece& piece) {
  const uint64_t seed = DeriveSeed(run_seed, RandomStream::kDropout, step, piece.batch_number);
  return piece.node == 1 ? seed : DeriveSeed(seed, {piece.node});
}

}  // namespace wavemt
