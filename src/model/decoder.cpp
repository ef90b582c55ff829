#include "model/decoder.h"

#include <ATen/record_function.h>

namespace wavemt {

using torch::nn::LayerNorm;
using torch::nn::LayerNormOptions;

DecoderLayerImpl::DecoderLayerImpl(const ModelConfig& config) : residual_(config) {
  const LayerNormOptions norm({config.d_model});
  self_attention_norm = register_module("self_attention_norm", LayerNorm(norm));
  self_attention = register_module("self_attention", SelfAttention(config));
  cross_attention_norm = register_module("cross_attention_norm", LayerNorm(norm));
  cross_attention = register_module("cross_attention", CrossAttention(config));
  feed_forward_norm = register_module("feed_forward_norm", LayerNorm(norm));
  feed_forward = register_module("feed_forward", FeedForward(config));
}

torch::Tensor DecoderLayerImpl::forward(torch::Tensor x, const SelfAttentionPass& pass,
                                        const torch::Tensor& encoder_output,
                                        const torch::Tensor& src_padding_mask) {
  x = residual_.Apply(x, self_attention_norm,
                      [&](const torch::Tensor& input) { return self_attention(input, pass); });
  x = residual_.Apply(x, cross_attention_norm, [&](const torch::Tensor& input) {
    return cross_attention(input, cross_attention->ProjectEncoderOutput(encoder_output),
                           src_padding_mask);
  });
  return residual_.Apply(x, feed_forward_norm,
                         [&](const torch::Tensor& input) { return feed_forward(input); });
}

torch::Tensor DecoderLayerImpl::ForwardStep(torch::Tensor x, const SelfAttentionPass& pass,
                                            const torch::Tensor& src_padding_mask,
                                            KeyValueCache::Layer* cache) {
  x = residual_.Apply(x, self_attention_norm, [&](const torch::Tensor& input) {
    return self_attention->ForwardStep(input, pass, &cache->self_attention);
  });
  x = residual_.Apply(x, cross_attention_norm, [&](const torch::Tensor& input) {
    // The hypotheses of a sentence share its keys and values: they attend to them as if they were
    // successive positions of one target.
    const int64_t sentences = cache->cross_attention.key.size(0);
    const auto queries = input.view({sentences, -1, input.size(2)});  // [sentences, beam, d_model]
    return cross_attention(queries, cache->cross_attention, src_padding_mask).view(input.sizes());
  });
  return residual_.Apply(x, feed_forward_norm,
                         [&](const torch::Tensor& input) { return feed_forward(input); });
}

DecoderImpl::DecoderImpl(const ModelConfig& config) {
  layers = register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.num_decoder_layers; ++i) layers->push_back(DecoderLayer(config));
  if (config.layer_norm == LayerNormPlacement::kPre) {
    norm = register_module("norm", LayerNorm(LayerNormOptions({config.d_model})));
  }
}

torch::Tensor DecoderImpl::forward(torch::Tensor x, const torch::Tensor& encoder_output,
                                   const torch::Tensor& src_padding_mask,
                                   const AttentionPositions& positions) {
  RECORD_USER_SCOPE("norms, dropout, residual sums");
  const auto pass = SelfAttentionPass::OfDecoder(positions);
  for (size_t i = 0; i < layers->size(); ++i) {
    x = layers[i]->as<DecoderLayer>()->forward(x, pass.InLayer(static_cast<int64_t>(i)),
                                               encoder_output, src_padding_mask);
  }
  return norm.is_empty() ? x : norm(x);
}

KeyValueCache DecoderImpl::MakeKeyValueCache(const torch::Tensor& encoder_output,
                                             const torch::Tensor& src_padding_mask) {
  KeyValueCache cache;
  cache.src_padding_mask = src_padding_mask;
  for (const auto& layer : *layers) {
    auto& cross_attention = layer->as<DecoderLayer>()->cross_attention;
    cache.layers.push_back(
        {.self_attention = {},
         .cross_attention = cross_attention->ProjectEncoderOutput(encoder_output)});
  }
  return cache;
}

torch::Tensor DecoderImpl::ForwardStep(torch::Tensor x, const AttentionPositions& positions,
                                       KeyValueCache* cache) {
  const auto pass = SelfAttentionPass::OfStep(positions);
  for (size_t i = 0; i < cache->layers.size(); ++i) {
    x = layers[i]->as<DecoderLayer>()->ForwardStep(x, pass.InLayer(static_cast<int64_t>(i)),
                                                   cache->src_padding_mask, &cache->layers[i]);
  }
  ++cache->steps;
  return norm.is_empty() ? x : norm(x);
}

}  // namespace wavemt
