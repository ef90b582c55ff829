#include "model/encoder.h"

#include <ATen/record_function.h>

#include "model/gradient_checkpoint.h"

namespace wavemt {

using torch::nn::LayerNorm;
using torch::nn::LayerNormOptions;

EncoderLayerImpl::EncoderLayerImpl(const ModelConfig& config) : residual_(config) {
  const LayerNormOptions norm({config.d_model});
  self_attention_norm = register_module("self_attention_norm", LayerNorm(norm));
  self_attention = register_module("self_attention", SelfAttention(config));
  feed_forward_norm = register_module("feed_forward_norm", LayerNorm(norm));
  feed_forward = register_module("feed_forward", FeedForward(config));
}

torch::Tensor EncoderLayerImpl::forward(torch::Tensor x, const SelfAttentionPass& pass) {
  // Here as well, because a backward pass may run the layer by itself.
  RECORD_USER_SCOPE("norms, dropout, residual sums");
  x = residual_.Apply(x, self_attention_norm,
                      [&](const torch::Tensor& input) { return self_attention(input, pass); });
  return residual_.Apply(x, feed_forward_norm,
                         [&](const torch::Tensor& input) { return feed_forward(input); });
}

EncoderImpl::EncoderImpl(const ModelConfig& config) {
  layers = register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.num_encoder_layers; ++i) layers->push_back(EncoderLayer(config));
  if (config.layer_norm == LayerNormPlacement::kPre) {
    norm = register_module("norm", LayerNorm(LayerNormOptions({config.d_model})));
  }
}

torch::Tensor EncoderImpl::forward(torch::Tensor x, const torch::Tensor& src_padding_mask,
                                   const AttentionPositions& positions) {
  RECORD_USER_SCOPE("norms, dropout, residual sums");
  const auto pass = SelfAttentionPass::OfEncoder(positions, src_padding_mask);
  for (size_t i = 0; i < layers->size(); ++i) {
    x = Checkpointed(x.device(),
                     [layer = layers[i], x, in_layer = pass.InLayer(static_cast<int64_t>(i))] {
                       return layer->as<EncoderLayer>()->forward(x, in_layer);
                     });
  }
  return norm.is_empty() ? x : norm(x);
}

}  // namespace wavemt
