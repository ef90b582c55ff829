#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/adapters/attention_prefix.h"
#include "model/key_value_cache.h"
#include "model/positions/position_encoding.h"
#include "model/projection.h"

namespace wavemt {

/// What the self-attention layers of one pass through a stack have in common.
struct SelfAttentionPass {
  AttentionPositions positions{};  // Without a score_bias, which is part of the mask.
  /// Broadcasts to [batch, num_heads, queries, keys of tokens]; bool: true = may attend; otherwise
  /// added to the scaled scores. Undefined: all may attend to all.
  torch::Tensor mask{};
  bool causal = false;  // Every position attends to itself and to earlier ones.

  /// Every token attends to all tokens. src_padding_mask: [batch, 1, 1, length], true = may attend,
  /// undefined = all may.
  static SelfAttentionPass OfEncoder(const AttentionPositions& positions,
                                     const torch::Tensor& src_padding_mask);
  /// Every token attends to itself and to earlier tokens. Padding on the right needs no mask,
  /// because no token follows it.
  static SelfAttentionPass OfDecoder(const AttentionPositions& positions);
  /// The newest token attends to itself and to all earlier ones.
  static SelfAttentionPass OfStep(const AttentionPositions& positions);

  /// With the positions of one layer.
  SelfAttentionPass InLayer(int64_t layer) const;
};

/// Multi-head self-attention. Vaswani et al. 2017, section 3.2.
class SelfAttentionImpl : public torch::nn::Module {
 public:
  explicit SelfAttentionImpl(const ModelConfig& config);

  /// x: [batch, length, d_model].
  torch::Tensor forward(const torch::Tensor& x, const SelfAttentionPass& pass);

  /// One decoding step. x ([rows, 1, d_model]) attends to the cached positions and to itself; its
  /// key and value go into the slots of this step.
  torch::Tensor ForwardStep(const torch::Tensor& x, const SelfAttentionPass& pass, int64_t layer,
                            KeyValueCache* cache);

  /// Puts trained keys and values before those of the tokens.
  void AddPrefix(const AttentionPrefix& added) { prefix = register_module("prefix", added); }

  Projection qkv_proj{nullptr};  // Queries, keys and values in one matrix.
  Projection out_proj{nullptr};
  AttentionPrefix prefix{nullptr};  // Empty unless it was added.

 private:
  struct Heads {
    torch::Tensor query;
    KeyValue key_value;
  };
  /// qkv: [batch, length, 3 * d_model]
  Heads Split(const torch::Tensor& qkv, const AttentionPositions& positions) const;

  int64_t num_heads_;
  double dropout_;
};
TORCH_MODULE(SelfAttention);

/// Multi-head attention from the decoder to the encoder's output.
class CrossAttentionImpl : public torch::nn::Module {
 public:
  explicit CrossAttentionImpl(const ModelConfig& config);

  /// encoder_output: [batch, src_len, d_model]. A search calls this once per sentence and reuses
  /// the keys and values in every step.
  KeyValue ProjectEncoderOutput(const torch::Tensor& encoder_output);

  /// x: [batch, tgt_len, d_model]; encoder_key_value: as from ProjectEncoderOutput();
  /// src_padding_mask: [batch, 1, 1, src_len], true = may attend, undefined = all may.
  torch::Tensor forward(const torch::Tensor& x, const KeyValue& encoder_key_value,
                        const torch::Tensor& src_padding_mask);

  /// forward() with the keys and values of this encoder output, which nothing else uses.
  torch::Tensor AttendTo(const torch::Tensor& x, const torch::Tensor& encoder_output,
                         const torch::Tensor& src_padding_mask);

  /// How much each query attends to each source token: [batch, tgt_len, src_len], averaged over the
  /// heads, without the keys of a prefix. Arguments as for forward().
  torch::Tensor Weights(const torch::Tensor& x, const KeyValue& encoder_key_value,
                        const torch::Tensor& src_padding_mask);

  /// Puts trained keys and values before those of the encoder's output.
  void AddPrefix(const AttentionPrefix& added) { prefix = register_module("prefix", added); }

  Projection q_proj{nullptr};
  Projection kv_proj{nullptr};
  Projection out_proj{nullptr};
  AttentionPrefix prefix{nullptr};  // Empty unless it was added.

 private:
  /// key_value: [batch, src_len, 2 * d_model]
  KeyValue Split(const torch::Tensor& key_value);

  int64_t num_heads_;
  double dropout_;
};
TORCH_MODULE(CrossAttention);

}  // namespace wavemt
