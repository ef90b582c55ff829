#include "model/feed_forward.h"

#include <ATen/record_function.h>

#include "model/cpu_bf16.h"
#include "model/dropout.h"

namespace wavemt {

torch::Tensor Activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return torch::relu(x);
    case Activation::kGelu:
      return torch::gelu(x);
    case Activation::kSwish:
      return torch::silu(x);
    case Activation::kSwiglu: {
      const auto halves = x.chunk(2, /*dim=*/-1);  // 2 of [..., ffn_dim]
      return torch::silu(halves[0]) * halves[1];
    }
  }
  return x;
}

FeedForwardImpl::FeedForwardImpl(const ModelConfig& config)
    : activation_(config.activation), dropout_(config.activation_dropout) {
  const int64_t inner =
      config.activation == Activation::kSwiglu ? 2 * config.ffn_dim : config.ffn_dim;
  in_proj = register_module("in_proj", Projection(config.d_model, inner));
  out_proj = register_module("out_proj", Projection(config.ffn_dim, config.d_model));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& x) {
  RECORD_USER_SCOPE("feed-forward");
  const bool drops = is_training() && dropout_ > 0;
  const bool has_lora = in_proj->has_lora() || out_proj->has_lora();
  if (UsesCpuBf16(x) && activation_ == Activation::kRelu && !drops && !has_lora) {
    return CpuBf16FeedForward(x, {.in_weight = in_proj->weight,
                                  .in_bias = in_proj->bias,
                                  .out_weight = out_proj->weight,
                                  .out_bias = out_proj->bias});
  }
  const auto inner = Activate(in_proj(x), activation_);  // [..., ffn_dim]
  return out_proj(drops ? DropoutAdd(/*base=*/{}, inner, dropout_) : inner);
}

}  // namespace wavemt
