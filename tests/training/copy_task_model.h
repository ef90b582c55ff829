#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "copy_task.h"
#include "data/batch.h"
#include "model/transformer.h"

namespace wavemt {

inline ModelConfig CopyTaskModelConfig() {
  ModelConfig config;
  config.d_model = 16;
  config.num_heads = 2;
  config.ffn_dim = 32;
  config.num_encoder_layers = 1;
  config.num_decoder_layers = 1;
  config.dropout = 0.0;
  config.position_encoding.max_length = 16;
  return config;
}

// A model for the vocabulary of the copy task, in training, always with the same weights.
inline Transformer CopyTaskModel(const ModelConfig& config) {
  torch::manual_seed(3);
  const int64_t vocabulary = CopyTaskTokenizers().source->vocab_size();
  Transformer model(config, VocabularySizes{.source = vocabulary, .target = vocabulary});
  model->train();
  return model;
}

inline Batch CopyTaskBatch(int64_t pairs, uint64_t seed) {
  const auto corpus = CopyTask(pairs, /*shortest=*/2, /*longest=*/9, seed);
  std::vector<uint32_t> numbers(static_cast<size_t>(pairs));
  std::iota(numbers.begin(), numbers.end(), 0U);
  const SpecialTokens& special = CopyTaskTokenizers().source->special();
  return MakeBatch(corpus, numbers, special, special);
}

}  // namespace wavemt
