#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "config/config.h"

namespace wavemt {

/// The keys and values that prefix tuning (Li and Liang 2021) puts before those of one attention
/// layer: trained, without a position, and every query may attend to them. Either they are trained
/// themselves, or, as in section 4.3 of the paper, a smaller matrix and a network that makes them
/// from it, which trains more steadily: out_proj(tanh(in_proj(embedding))). In the paper one
/// network makes those of all layers; here each layer has its own.
class AttentionPrefixImpl : public torch::nn::Module {
 public:
  /// Draws the weights from LibTorch's default generator.
  AttentionPrefixImpl(const ModelConfig& model, const AdapterConfig& adapter);

  /// Returns them below each other, the keys first: [2, num_heads, prefix_length, head_dim].
  torch::Tensor forward();
  /// The same in the order of KeyValueCache: [prefix_length, 2, num_heads, head_dim].
  torch::Tensor Slots();

  torch::Tensor table;      // [prefix_length, 2 * d_model]; undefined with a network.
  torch::Tensor embedding;  // [prefix_length, d_model]; undefined without a network.
  torch::nn::Linear in_proj{nullptr};
  torch::nn::Linear out_proj{nullptr};

 private:
  int64_t num_heads_;
};
TORCH_MODULE(AttentionPrefix);

}  // namespace wavemt
