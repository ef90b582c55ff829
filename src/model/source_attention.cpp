#include "model/source_attention.h"

#include <algorithm>

#include "support/error.h"

namespace wavemt {

void SourceAttention::SetLengths(const KeyValueCache& cache, int64_t prefix) {
  lengths.clear();
  for (int64_t i = 0; i < cache.num_sentences(); ++i) {
    lengths.push_back(cache.Sentence(i).length - prefix);
  }
}

std::span<const float> SourceAttention::OfRow(int64_t row) const {
  const int64_t rows_per_sentence = weights.size(0) / static_cast<int64_t>(lengths.size());
  return {weights.const_data_ptr<float>() + row * weights.size(1),
          static_cast<size_t>(lengths[static_cast<size_t>(row / rows_per_sentence)])};
}

int64_t AttentionLayer(int64_t attention_layer, int64_t num_layers) {
  if (attention_layer > num_layers) {
    throw UsageError(
        "decoding.attention_layer: a model has {} decoder layers, so there is no layer {}",
        num_layers, attention_layer);
  }
  return attention_layer > 0 ? attention_layer - 1 : std::max<int64_t>(num_layers - 2, 0);
}

}  // namespace wavemt
