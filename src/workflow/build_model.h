#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "data/tokenizer.h"
#include "model/transformer.h"

namespace wavemt {

/// The model that a config describes, on the CPU. Its weights are random numbers from LibTorch's
/// default generator until others are put in their place.
Transformer BuildModel(const ModelConfig& config, const TokenizerPair& tokenizers);

/// A model with fresh weights, drawn from the config's seed, on `device`.
Transformer BuildNewModel(const Config& config, const TokenizerPair& tokenizers,
                          torch::Device device);

}  // namespace wavemt
