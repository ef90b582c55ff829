#pragma once

#include <torch/torch.h>

#include "config/config.h"

namespace wavemt {

/// How a sub-layer is joined to its input:
///   pre:  x + dropout(sublayer(norm(x)))
///   post: norm(x + dropout(sublayer(x)))
class Residual {
 public:
  explicit Residual(const ModelConfig& config)
      : placement_(config.layer_norm), dropout_(config.dropout) {}

  template <typename Sublayer>
  torch::Tensor Apply(const torch::Tensor& x, torch::nn::LayerNorm& norm,
                      const Sublayer& sublayer) const {
    // The norm's module knows whether the model is training.
    const bool training = norm->is_training();
    if (placement_ == LayerNormPlacement::kPre) {
      return x + torch::dropout(sublayer(norm(x)), dropout_, training);
    }
    return norm(x + torch::dropout(sublayer(x), dropout_, training));
  }

 private:
  LayerNormPlacement placement_;
  double dropout_;
};

}  // namespace wavemt
