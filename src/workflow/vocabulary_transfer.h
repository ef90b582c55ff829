#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "data/tokenizer.h"

namespace wavemt {

/// The rows of an embedding for another vocabulary, and where they came from.
struct TransferredRows {
  torch::Tensor rows;  // [pieces of the new vocabulary, d_model]
  int64_t kept = 0;    // Of pieces that both vocabularies have.
  /// The mean of the rows of the old pieces that spell a new one, or of all rows if none do.
  int64_t from_parts = 0;
};

/// `rows`: [pieces of `from`, d_model]. Special pieces keep their role, under whatever name.
///
/// REQUIRES: rows.size(0) == from.vocab_size()
TransferredRows TransferRows(const torch::Tensor& rows, const Tokenizer& from, const Tokenizer& to);

}  // namespace wavemt
