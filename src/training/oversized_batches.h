#pragma once

#include <cstdint>
#include <vector>

#include "data/batch.h"

namespace wavemt {

/// Which batches were found not to fit the memory. A batch that is no smaller in any way is known
/// not to fit either: memory grows with every size of a batch. So nothing that this knows changes
/// what happens, it only saves the attempt.
class OversizedBatches {
 public:
  /// `is_first`: of its update. Later ones find the gradients of those before them in the memory.
  void Add(const Batch& batch, bool is_first);
  bool Contains(const Batch& batch, bool is_first) const;

  bool empty() const { return known_.empty(); }

 private:
  struct Sizes {
    int64_t rows = 0;
    int64_t source_length = 0;
    int64_t target_length = 0;
    int64_t target_tokens = 0;
    bool has_source_padding = false;  // Takes a mask.
    bool is_later = false;

    bool NoLargerThan(const Sizes& other) const;
  };
  static Sizes SizesOf(const Batch& batch, bool is_first);

  std::vector<Sizes> known_;  // None is no larger than another.
};

}  // namespace wavemt
