#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "data/tokenizer.h"
#include "model/transformer.h"

namespace wavemt {

/// The model that a config describes, on the CPU. Its initial weights are random numbers from
/// LibTorch's default generator.
Transformer BuildModel(const ModelConfig& config, const TokenizerPair& tokenizers);

/// A new model on `device`, with the config's adapter and frozen weights. Its weights are drawn
/// from the config's seed.
Transformer BuildNewModel(const Config& config, const TokenizerPair& tokenizers,
                          torch::Device device);

}  // namespace wavemt
