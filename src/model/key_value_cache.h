#pragma once

#include <torch/torch.h>

#include <vector>

#include "model/attention.h"

namespace wavemt {

/// The keys and values that the decoder reuses from step to step of a search. A row is a
/// hypothesis; the rows of a source sentence are adjacent, and every sentence has the same number
/// of them.
struct KeyValueCache {
  struct Layer {
    KeyValue self_attention;   // [rows, num_heads, steps so far, head_dim]
    KeyValue cross_attention;  // [sentences, num_heads, src_len, head_dim]
  };

  std::vector<Layer> layers;
  torch::Tensor src_padding_mask;  // [sentences, 1, 1, src_len], or undefined: no padding.
  int64_t steps = 0;               // Tokens processed per row.

  /// Makes the old row `rows[i]` the new row i; rows: [new number of rows], int64. A row may be
  /// repeated or dropped.
  void SelectRows(const torch::Tensor& rows);
  /// Makes the old sentence `sentences[i]` the new sentence i; sentences: [new number of
  /// sentences], int64. Does not select rows.
  void SelectSentences(const torch::Tensor& sentences);
};

}  // namespace wavemt
