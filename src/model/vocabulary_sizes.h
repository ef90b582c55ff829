#pragma once

#include <cstdint>

namespace wavemt {

/// The number of tokens in each vocabulary; equal if the model ties all embeddings.
struct VocabularySizes {
  int64_t source = 0;
  int64_t target = 0;
};

}  // namespace wavemt
