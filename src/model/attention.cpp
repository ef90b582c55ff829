#include "model/attention.h"

#include <ATen/record_function.h>

#include <optional>

namespace wavemt {
namespace {

// [batch, length, d_model] -> [batch, num_heads, length, head_dim]
torch::Tensor SplitHeads(const torch::Tensor& x, int64_t num_heads) {
  return x.view({x.size(0), x.size(1), num_heads, x.size(2) / num_heads}).transpose(1, 2);
}

// [batch, num_heads, length, head_dim] -> [batch, length, d_model]
torch::Tensor MergeHeads(const torch::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

struct AttentionOptions {
  torch::Tensor mask{};  // Broadcasts to [batch, num_heads, queries, keys], true = may attend.
  double dropout = 0.0;
  bool causal = false;
};

// softmax(query key^T / sqrt(head_dim)) value. All tensors: [batch, num_heads, length, head_dim].
torch::Tensor Attend(const torch::Tensor& query, const KeyValue& key_value,
                     const AttentionOptions& options) {
  const auto mask = options.mask.defined() ? std::optional(options.mask) : std::nullopt;
  if (query.is_cpu() && query.scalar_type() == torch::kBFloat16) {
    // Computed in fp32 under autocast on the CPU: LibTorch's gradient kernel is several times
    // slower in bfloat16 (see `wavemt train --profile`), and there is little to multiply.
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
    return at::scaled_dot_product_attention(
        query.to(torch::kFloat), key_value.key.to(torch::kFloat), key_value.value.to(torch::kFloat),
        mask, options.dropout, options.causal);
  }
  return at::scaled_dot_product_attention(query, key_value.key, key_value.value, mask,
                                          options.dropout, options.causal);
}

}  // namespace

SelfAttentionImpl::SelfAttentionImpl(const ModelConfig& config)
    : num_heads_(config.num_heads), dropout_(config.attention_dropout) {
  qkv_proj = register_module("qkv_proj", torch::nn::Linear(config.d_model, 3 * config.d_model));
  out_proj = register_module("out_proj", torch::nn::Linear(config.d_model, config.d_model));
}

SelfAttentionImpl::Heads SelfAttentionImpl::Project(const torch::Tensor& x) {
  const auto projections = qkv_proj(x).chunk(3, /*dim=*/-1);  // 3 of [batch, length, d_model]
  return {.query = SplitHeads(projections[0], num_heads_),
          .key_value = {.key = SplitHeads(projections[1], num_heads_),
                        .value = SplitHeads(projections[2], num_heads_)}};
}

torch::Tensor SelfAttentionImpl::AttendTo(const Heads& heads, const torch::Tensor& mask,
                                          bool causal) {
  const auto context =
      Attend(heads.query, heads.key_value,
             {.mask = mask, .dropout = is_training() ? dropout_ : 0.0, .causal = causal});
  return out_proj(MergeHeads(context));
}

torch::Tensor SelfAttentionImpl::forward(const torch::Tensor& x,
                                         const torch::Tensor& padding_mask) {
  RECORD_USER_SCOPE("self-attention");
  return AttendTo(Project(x), padding_mask, /*causal=*/false);
}

torch::Tensor SelfAttentionImpl::ForwardCausal(const torch::Tensor& x) {
  RECORD_USER_SCOPE("self-attention");
  return AttendTo(Project(x), /*mask=*/{}, /*causal=*/true);
}

torch::Tensor SelfAttentionImpl::ForwardStep(const torch::Tensor& x, KeyValue* key_value_cache) {
  Heads heads = Project(x);
  KeyValue& key_value = heads.key_value;
  if (key_value_cache->key.defined()) {
    key_value.key = torch::cat({key_value_cache->key, key_value.key}, /*dim=*/2);
    key_value.value = torch::cat({key_value_cache->value, key_value.value}, /*dim=*/2);
  }
  *key_value_cache = key_value;
  return AttendTo(heads, /*mask=*/{}, /*causal=*/false);
}

CrossAttentionImpl::CrossAttentionImpl(const ModelConfig& config)
    : num_heads_(config.num_heads), dropout_(config.attention_dropout) {
  q_proj = register_module("q_proj", torch::nn::Linear(config.d_model, config.d_model));
  kv_proj = register_module("kv_proj", torch::nn::Linear(config.d_model, 2 * config.d_model));
  out_proj = register_module("out_proj", torch::nn::Linear(config.d_model, config.d_model));
}

KeyValue CrossAttentionImpl::ProjectEncoderOutput(const torch::Tensor& encoder_output) {
  RECORD_USER_SCOPE("cross-attention");
  // 2 of [batch, src_len, d_model]
  const auto projections = kv_proj(encoder_output).chunk(2, /*dim=*/-1);
  return {.key = SplitHeads(projections[0], num_heads_),
          .value = SplitHeads(projections[1], num_heads_)};
}

torch::Tensor CrossAttentionImpl::forward(const torch::Tensor& x, const KeyValue& encoder_key_value,
                                          const torch::Tensor& src_padding_mask) {
  RECORD_USER_SCOPE("cross-attention");
  const auto query = SplitHeads(q_proj(x), num_heads_);  // [batch, num_heads, tgt_len, head_dim]
  const auto context =
      Attend(query, encoder_key_value,
             {.mask = src_padding_mask, .dropout = is_training() ? dropout_ : 0.0});
  return out_proj(MergeHeads(context));
}

}  // namespace wavemt
