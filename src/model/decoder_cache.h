#pragma once

#include <torch/torch.h>

#include <vector>

#include "model/attention.h"

namespace wavemt {

/// What a decoder keeps between the steps of a search. Rows are hypotheses: `rows_per_sentence`
/// of them, side by side, for each source sentence.
struct DecoderCache {
  struct Layer {
    KeyValue past;    // Self-attention, [rows, num_heads, steps so far, head_dim].
    KeyValue memory;  // Cross-attention, [sentences, num_heads, src_len, head_dim].
  };

  std::vector<Layer> layers;
  torch::Tensor src_padding_mask;  // [sentences, 1, 1, src_len] or undefined.
  int64_t steps = 0;               // Tokens that each row has seen.

  /// Row i goes on from what was row `rows[i]`; rows: [new number of rows], int64.
  void SelectRows(const torch::Tensor& rows);
  /// Sentence i is what was sentence `sentences[i]`. Does not touch the rows.
  void SelectSentences(const torch::Tensor& sentences);
};

}  // namespace wavemt
