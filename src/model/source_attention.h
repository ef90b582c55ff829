#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

#include "model/key_value_cache.h"

namespace wavemt {

/// What one layer of the decoder attends to in the source, step by step.
struct SourceAttention {
  int64_t layer = 0;
  /// [rows, longest of the sentences], averaged over the heads; 0 after a sentence's end. Without
  /// the keys of a prefix adapter.
  torch::Tensor weights{};
  std::vector<int64_t> lengths{};  // Of the sentences.

  /// Notes the lengths of the cache's sentences, which have `prefix` keys of an adapter each.
  void SetLengths(const KeyValueCache& cache, int64_t prefix);
  /// The weights of a row, as many as its sentence has tokens. REQUIRES: weights are contiguous and
  /// on the CPU.
  std::span<const float> OfRow(int64_t row) const;
};

/// The layer that `attention_layer`, a config key, means in a decoder of `num_layers`. A usage
/// error if it has no such layer.
int64_t AttentionLayer(int64_t attention_layer, int64_t num_layers);

}  // namespace wavemt
