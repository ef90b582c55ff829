#pragma once

#include <torch/torch.h>

#include "config/config.h"
#include "model/dropout.h"

namespace wavemt {

/// The residual connection around a sub-layer:
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
    const bool drops = norm->is_training() && dropout_ > 0;
    const auto join = [&](const torch::Tensor& output) {
      return drops ? DropoutAdd(x, output, dropout_) : x + output;
    };
    return placement_ == LayerNormPlacement::kPre ? join(sublayer(norm(x)))
                                                  : norm(join(sublayer(x)));
  }

 private:
  LayerNormPlacement placement_;
  double dropout_;
};

}  // namespace wavemt
