#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>

#include "config/config.h"
#include "model/attention.h"
#include "model/feed_forward.h"
#include "model/key_value_cache.h"
#include "model/residual.h"
#include "model/source_attention.h"

namespace wavemt {

class DecoderLayerImpl : public torch::nn::Module {
 public:
  explicit DecoderLayerImpl(const ModelConfig& config);

  /// x: [batch, tgt_len, d_model]; pass: SelfAttentionPass::OfDecoder(), in this layer;
  /// encoder_output: [batch, src_len, d_model]; src_padding_mask: [batch, 1, 1, src_len], true =
  /// may attend, undefined: no padding.
  torch::Tensor forward(torch::Tensor x, const SelfAttentionPass& pass,
                        const torch::Tensor& encoder_output, const torch::Tensor& src_padding_mask);

  /// One decoding step; x: [rows, 1, d_model]; pass: SelfAttentionPass::OfStep(), in this layer.
  /// attention: notes this layer's attention to the source; may be null.
  torch::Tensor ForwardStep(torch::Tensor x, const SelfAttentionPass& pass, int64_t layer,
                            KeyValueCache* cache, SourceAttention* attention);

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

/// The stack of decoder layers, followed by a final norm if layer_norm is "pre".
class DecoderImpl : public torch::nn::Module {
 public:
  explicit DecoderImpl(const ModelConfig& config);

  /// Processes all target positions at once; each attends to itself and to earlier ones. x: the
  /// embedded target input, [batch, tgt_len, d_model]; positions: those of the decoder.
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& encoder_output,
                        const torch::Tensor& src_padding_mask, const AttentionPositions& positions);

  /// The cache of a search before its first step; encoder_output: [sentences, src_len, d_model];
  /// lengths: of the sentences.
  KeyValueCache MakeKeyValueCache(const torch::Tensor& encoder_output,
                                  std::span<const int64_t> lengths);

  /// One decoding step; x: each row's newest token, embedded, [rows, 1, d_model]; positions: those
  /// of the decoder for that token; attention: may be null.
  torch::Tensor ForwardStep(torch::Tensor x, const AttentionPositions& positions,
                            KeyValueCache* cache, SourceAttention* attention);

  torch::nn::ModuleList layers{nullptr};
  torch::nn::LayerNorm norm{nullptr};
};
TORCH_MODULE(Decoder);

}  // namespace wavemt
