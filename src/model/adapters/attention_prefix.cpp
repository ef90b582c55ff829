#include "model/adapters/attention_prefix.h"

namespace wavemt {
namespace {

constexpr double kInitialDeviation = 0.02;

}  // namespace

AttentionPrefixImpl::AttentionPrefixImpl(const ModelConfig& model, const AdapterConfig& adapter)
    : num_heads_(model.num_heads) {
  const int64_t length = adapter.prefix_length;
  const int64_t hidden = adapter.prefix_hidden_dim;
  const torch::NoGradGuard no_grad;
  const auto draw = [](int64_t rows, int64_t columns) {
    return torch::randn({rows, columns}) * kInitialDeviation;
  };
  if (hidden == 0) {
    table = register_parameter("table", draw(length, 2 * model.d_model));
    return;
  }
  embedding = register_parameter("embedding", draw(length, model.d_model));
  in_proj = register_module("in_proj", torch::nn::Linear(model.d_model, hidden));
  out_proj = register_module("out_proj", torch::nn::Linear(hidden, 2 * model.d_model));
}

torch::Tensor AttentionPrefixImpl::Slots() {
  const torch::Tensor rows =
      table.defined() ? table : out_proj(torch::tanh(in_proj(embedding)));  // [length, 2 * d_model]
  return rows.view({rows.size(0), 2, num_heads_, -1});
}

torch::Tensor AttentionPrefixImpl::forward() { return Slots().permute({1, 2, 0, 3}); }

}  // namespace wavemt
