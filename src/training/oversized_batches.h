#pragma once

#include <cstdint>
#include <vector>

#include "data/batch.h"

namespace wavemt {

/// Remembers which batches did not fit in memory. A batch that is at least as large in every
/// respect will not fit either, because memory use grows with each of them. Remembering changes no
/// result; it only saves the attempt.
class OversizedBatches {
 public:
  /// `is_first`: whether this is the first batch of its update. Later ones have less memory,
  /// because the gradients already exist.
  void Add(const Batch& batch, bool is_first);
  bool Contains(const Batch& batch, bool is_first) const;

  bool empty() const { return known_.empty(); }

 private:
  struct Sizes {
    int64_t rows = 0;
    int64_t source_length = 0;
    int64_t target_length = 0;
    int64_t target_tokens = 0;
    bool has_source_padding = false;  // Requires a mask.
    bool is_later = false;

    bool NoLargerThan(const Sizes& other) const;
  };
  static Sizes SizesOf(const Batch& batch, bool is_first);

  std::vector<Sizes> known_;  // None of them implies another.
};

}  // namespace wavemt
