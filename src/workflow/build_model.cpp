#include "workflow/build_model.h"

#include "model/adapters/adapter.h"
#include "model/frozen_weights.h"
#include "support/random.h"

namespace wavemt {

Transformer BuildModel(const ModelConfig& config, const TokenizerPair& tokenizers) {
  return Transformer(config, VocabularySizes{.source = tokenizers.source->vocab_size(),
                                             .target = tokenizers.target->vocab_size()});
}

Transformer BuildNewModel(const Config& config, const TokenizerPair& tokenizers,
                          torch::Device device) {
  torch::manual_seed(DeriveSeed(static_cast<uint64_t>(config.seed), RandomStream::kInitialWeights));
  // Drawn on the CPU, so that a seed gives the same weights on every device.
  Transformer model = BuildModel(config.model, tokenizers);
  AddAdapter(config.adapter, config.model, &model);
  FreezeWeights(config.training.freeze, &model);
  model->to(device);
  return model;
}

}  // namespace wavemt
