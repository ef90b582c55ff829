#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/attention.h"
#include "model/feed_forward.h"
#include "model/residual.h"

namespace wavemt {

class EncoderLayerImpl : public torch::nn::Module {
 public:
  explicit EncoderLayerImpl(const ModelConfig& config);

  /// x: [batch, src_len, d_model]; pass: SelfAttentionPass::OfEncoder(), in this layer.
  torch::Tensor forward(torch::Tensor x, const SelfAttentionPass& pass);

  torch::nn::LayerNorm self_attention_norm{nullptr};
  SelfAttention self_attention{nullptr};
  torch::nn::LayerNorm feed_forward_norm{nullptr};
  FeedForward feed_forward{nullptr};

 private:
  Residual residual_;
};
TORCH_MODULE(EncoderLayer);

/// The stack of encoder layers, followed by a final norm if layer_norm is "pre".
class EncoderImpl : public torch::nn::Module {
 public:
  explicit EncoderImpl(const ModelConfig& config);

  /// x: the embedded source, [batch, src_len, d_model]; src_padding_mask: [batch, 1, 1, src_len],
  /// true = may attend, undefined: no padding; positions: those of the encoder.
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& src_padding_mask,
                        const AttentionPositions& positions);

  torch::nn::ModuleList layers{nullptr};
  torch::nn::LayerNorm norm{nullptr};
};
TORCH_MODULE(Encoder);

}  // namespace wavemt
