#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/transformer.h"

namespace wavemt {

// A model that runs in microseconds but still has two layers per side and four heads.
inline ModelConfig SmallModelConfig() {
  ModelConfig config;
  config.d_model = 16;
  config.num_heads = 4;
  config.ffn_dim = 24;
  config.num_encoder_layers = 2;
  config.num_decoder_layers = 2;
  config.dropout = 0.0;
  config.position_encoding.max_length = 32;
  return config;
}

// A model in evaluation mode with weights drawn by `seed`. Biases, which start at 0, and norm
// weights, which start at 1, get random noise of standard deviation `spread` as well, so that tests
// notice a missing bias.
inline Transformer MakeSmallModel(const ModelConfig& config, const VocabularySizes& vocabulary,
                                  uint64_t seed, double spread = 0.3) {
  torch::manual_seed(seed);
  Transformer model(config, vocabulary);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model->parameters()) {
    if (parameter.dim() == 1) parameter += spread * torch::randn_like(parameter);
  }
  model->eval();
  return model;
}

}  // namespace wavemt
