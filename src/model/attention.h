#pragma once

#include <torch/torch.h>

#include "config/config.h"

namespace wavemt {

/// Keys and values of an attention, each [batch, num_heads, length, head_dim].
struct KeyValue {
  torch::Tensor key;
  torch::Tensor value;
};

/// Multi-head attention of a sequence to itself. Vaswani et al. 2017, section 3.2.
class SelfAttentionImpl : public torch::nn::Module {
 public:
  explicit SelfAttentionImpl(const ModelConfig& config);

  /// x: [batch, length, d_model]. Every place attends to all places that `padding_mask`
  /// ([batch, 1, 1, length], true = may attend; undefined: all) allows.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& padding_mask);

  /// Every place attends to itself and the places before it. Padding on the right needs no mask:
  /// no token comes behind it.
  torch::Tensor ForwardCausal(const torch::Tensor& x);

  /// One decoding step: x ([batch, 1, d_model]) attends to `past` and itself, and is appended to
  /// `past`, whose tensors are undefined before the first step.
  torch::Tensor ForwardStep(const torch::Tensor& x, KeyValue* past);

  torch::nn::Linear qkv_proj{nullptr};  // Queries, keys and values in one product.
  torch::nn::Linear out_proj{nullptr};

 private:
  struct Heads {
    torch::Tensor query;
    KeyValue memory;
  };
  Heads Project(const torch::Tensor& x);
  torch::Tensor AttendTo(const Heads& heads, const torch::Tensor& mask, bool causal);

  int64_t num_heads_;
  double dropout_;
};
TORCH_MODULE(SelfAttention);

/// Multi-head attention of a decoder to the encoder's output.
class CrossAttentionImpl : public torch::nn::Module {
 public:
  explicit CrossAttentionImpl(const ModelConfig& config);

  /// Keys and values of the encoder's output, [batch, src_len, d_model]: computed once a sentence.
  KeyValue ProjectMemory(const torch::Tensor& memory);

  /// x: [batch, tgt_len, d_model]; src_padding_mask: [batch, 1, 1, src_len], true = may attend,
  /// undefined: all.
  torch::Tensor forward(const torch::Tensor& x, const KeyValue& memory,
                        const torch::Tensor& src_padding_mask);

  torch::nn::Linear q_proj{nullptr};
  torch::nn::Linear kv_proj{nullptr};
  torch::nn::Linear out_proj{nullptr};

 private:
  int64_t num_heads_;
  double dropout_;
};
TORCH_MODULE(CrossAttention);

}  // namespace wavemt
