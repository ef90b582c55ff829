#include "model/decoder.h"

#include <ATen/record_function.h>

#include <utility>

#include "model/gradient_checkpoint.h"

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
  // Here as well, because a backward pass may run the layer by itself.
  RECORD_USER_SCOPE("norms, dropout, residual sums");
  x = residual_.Apply(x, self_attention_norm,
                      [&](const torch::Tensor& input) { return self_attention(input, pass); });
  x = residual_.Apply(x, cross_attention_norm, [&](const torch::Tensor& input) {
    return cross_attention->AttendTo(input, encoder_output, src_padding_mask);
  });
  return residual_.Apply(x, feed_forward_norm,
                         [&](const torch::Tensor& input) { return feed_forward(input); });
}

torch::Tensor DecoderLayerImpl::ForwardStep(torch::Tensor x, const SelfAttentionPass& pass,
                                            int64_t layer, KeyValueCache* cache,
                                            SourceAttention* attention) {
  x = residual_.Apply(x, self_attention_norm, [&](const torch::Tensor& input) {
    return self_attention->ForwardStep(input, pass, layer, cache);
  });
  x = residual_.Apply(x, cross_attention_norm, [&](const torch::Tensor& input) {
    // The hypotheses of a sentence share its keys and values: they attend to them as if they were
    // successive positions of one target.
    const auto queries = input.view({cache->num_sentences(), -1, input.size(2)});
    const KeyValue source = cache->OfSource(layer);
    if (attention != nullptr) {
      attention->weights = cross_attention->Weights(queries, source, cache->SourceMask())
                               .flatten(0, 1);  // [rows, src_len]
      auto& prefix = cross_attention->prefix;
      attention->SetLengths(*cache, prefix.is_empty() ? 0 : prefix->Slots().size(0));
    }
    return cross_attention(queries, source, cache->SourceMask()).view(input.sizes());
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
    x = Checkpointed(
        x.device(), [layer = layers[i], x, in_layer = pass.InLayer(static_cast<int64_t>(i)),
                     encoder_output, src_padding_mask] {
          return layer->as<DecoderLayer>()->forward(x, in_layer, encoder_output, src_padding_mask);
        });
  }
  return norm.is_empty() ? x : norm(x);
}

KeyValueCache DecoderImpl::MakeKeyValueCache(const torch::Tensor& encoder_output,
                                             std::span<const int64_t> lengths) {
  std::vector<KeyValueCache::Layer> caches;
  int64_t source_length = 0;  // That of the longest sentence with its prefix.
  for (const auto& module : *layers) {
    auto* layer = module->as<DecoderLayer>();
    const KeyValue source = layer->cross_attention->ProjectEncoderOutput(encoder_output);
    source_length = source.key.size(2);
    caches.push_back({.of_source = torch::stack({source.key, source.value}, /*dim=*/1)
                                       .permute({0, 3, 1, 2, 4})
                                       .flatten(0, 1)});
    auto& prefix = layer->self_attention->prefix;
    if (!prefix.is_empty()) caches.back().prefix = prefix->Slots();
  }
  const int64_t prefix_length = source_length - encoder_output.size(1);
  std::vector<SourceSpan> sentences;
  for (const int64_t length : lengths) {
    sentences.push_back({.first = static_cast<int64_t>(sentences.size()) * source_length,
                         .length = prefix_length + length});
  }
  return {caches, std::move(sentences)};
}

torch::Tensor DecoderImpl::ForwardStep(torch::Tensor x, const AttentionPositions& positions,
                                       KeyValueCache* cache, SourceAttention* attention) {
  const auto pass = SelfAttentionPass::OfStep(positions);
  for (size_t i = 0; i < layers->size(); ++i) {
    const auto layer = static_cast<int64_t>(i);
    const bool is_watched = attention != nullptr && attention->layer == layer;
    x = layers[i]->as<DecoderLayer>()->ForwardStep(x, pass.InLayer(layer), layer, cache,
                                                   is_watched ? attention : nullptr);
  }
  return norm.is_empty() ? x : norm(x);
}

}  // namespace wavemt
