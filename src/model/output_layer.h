#pragma once

#include <torch/torch.h>

#include <utility>

namespace wavemt {

/// What maps the decoder's output to logits: hidden * weight^T + bias.
struct OutputLayer {
  OutputLayer(torch::Tensor the_weight, torch::Tensor the_bias = {})
      : weight(std::move(the_weight)), bias(std::move(the_bias)) {}

  torch::Tensor weight;  // [target vocabulary, d_model]
  torch::Tensor bias;    // [target vocabulary]; undefined: none.
};

}  // namespace wavemt
