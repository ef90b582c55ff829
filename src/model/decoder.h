#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/attention.h"
#include "model/decoder_cache.h"
#include "model/feed_forward.h"
#include "model/residual.h"

namespace wavemt {

class DecoderLayerImpl : public torch::nn::Module {
 public:
  explicit DecoderLayerImpl(const ModelConfig& config);

  /// x: [batch, tgt_len, d_model]; memory: [batch, src_len, d_model];
  /// src_padding_mask: [batch, 1, 1, src_len], true = may attend, undefined: no padding.
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& memory,
                        const torch::Tensor& src_padding_mask);

  /// One step: x is [rows, 1, d_model]. Extends cache->past.
  torch::Tensor ForwardStep(torch::Tensor x, const torch::Tensor& src_padding_mask,
                            DecoderCache::Layer* cache);

  torch::nn::LayerNorm self_attention_norm{nullptr};
  SelfAttention self_attention{nullptr};
  torch::nn::LayerNorm cross_attention_norm{nullptr};
  CrossAttention cross_attention{nullptr};
  torch::nn::LayerNorm feed_forward_norm{nullptr};
  FeedForward feed_forward{nullptr};

 private:
  Residual residual_;
};
TORCH_MODULE(DecoderLayer);

/// The stack of decoder layers; with layer_norm "pre" a last norm stands behind it.
class DecoderImpl : public torch::nn::Module {
 public:
  explicit DecoderImpl(const ModelConfig& config);

  /// All target places at once, each seeing itself and those before it. x: embedded target input.
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& memory,
                        const torch::Tensor& src_padding_mask);

  /// A cache for sentences whose encoder output is `memory`, before the first step.
  DecoderCache MakeCache(const torch::Tensor& memory, const torch::Tensor& src_padding_mask);

  /// One step: x ([rows, 1, d_model]) holds the embedded newest token of each row.
  torch::Tensor ForwardStep(torch::Tensor x, DecoderCache* cache);

  torch::nn::ModuleList layers{nullptr};
  torch::nn::LayerNorm norm{nullptr};
};
TORCH_MODULE(Decoder);

}  // namespace wavemt
