#include "training/oversized_batches.h"

#include <algorithm>

namespace wavemt {

bool OversizedBatches::Sizes::NoLargerThan(const Sizes& other) const {
  return rows <= other.rows && source_length <= other.source_length &&
         target_length <= other.target_length && target_tokens <= other.target_tokens &&
         has_source_padding <= other.has_source_padding && is_later <= other.is_later;
}

OversizedBatches::Sizes OversizedBatches::SizesOf(const Batch& batch, bool is_first) {
  return {.rows = batch.rows,
          .source_length = batch.source_length,
          .target_length = batch.target_length,
          .target_tokens = batch.target_tokens,
          .has_source_padding = batch.source_tokens < batch.rows * batch.source_length,
          .is_later = !is_first};
}

void OversizedBatches::Add(const Batch& batch, bool is_first) {
  const Sizes sizes = SizesOf(batch, is_first);
  if (Contains(batch, is_first)) return;
  std::erase_if(known_, [&](const Sizes& known) { return sizes.NoLargerThan(known); });
  known_.push_back(sizes);
}

bool OversizedBatches::Contains(const Batch& batch, bool is_first) const {
  const Sizes sizes = SizesOf(batch, is_first);
  return std::any_of(known_.begin(), known_.end(),
                     [&](const Sizes& known) { return known.NoLargerThan(sizes); });
}

}  // namespace wavemt
