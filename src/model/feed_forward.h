#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/projection.h"

namespace wavemt {

/// x: [..., ffn_dim], twice as many columns for SwiGLU -> [..., ffn_dim]
torch::Tensor Activate(const torch::Tensor& x, Activation activation);

/// The position-wise layer: out_proj(activation(in_proj(x))). Vaswani et al. 2017, section 3.3.
/// For SwiGLU (Shazeer 2020), in_proj gives two halves [gate, up] and the activation is
/// silu(gate) * up.
class FeedForwardImpl : public torch::nn::Module {
 public:
  explicit FeedForwardImpl(const ModelConfig& config);

  /// x: [..., d_model] -> [..., d_model]
  torch::Tensor forward(const torch::Tensor& x);

  Projection in_proj{nullptr};
  Projection out_proj{nullptr};

 private:
  Activation activation_;
  double dropout_;
};
TORCH_MODULE(FeedForward);

}  // namespace wavemt
