#include "model/attention.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "model/positions/distances.h"
#include "model/short_attention.h"

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

constexpr double kNever = -std::numeric_limits<double>::infinity();  // As a score.

// A mask over the keys of tokens, or what is added to scores by their positions, for all of `keys`:
// those of a prefix come first.
torch::Tensor OverPrefix(const torch::Tensor& of_tokens, int64_t keys) {
  const int64_t prefix = keys - of_tokens.size(-1);
  if (prefix == 0) return of_tokens;
  const bool is_mask = of_tokens.scalar_type() == torch::kBool;
  return torch::constant_pad_nd(of_tokens, {prefix, 0}, is_mask ? 1 : 0);
}

// Puts the keys and values of `prefix`, if there is one, before those of a batch.
KeyValue AfterPrefix(AttentionPrefix& prefix, const KeyValue& key_value) {
  if (prefix.is_empty()) return key_value;
  const torch::Tensor both = prefix().to(key_value.key.scalar_type());
  const auto put_before = [&](const torch::Tensor& first, const torch::Tensor& rest) {
    return torch::cat({first.expand({rest.size(0), -1, -1, -1}), rest}, /*dim=*/2);
  };
  return {.key = put_before(both[0], key_value.key), .value = put_before(both[1], key_value.value)};
}

// x: [batch, num_heads, length, head_dim]; rotation: [length, head_dim / 2], complex.
torch::Tensor TurnPairs(const torch::Tensor& x, const torch::Tensor& rotation) {
  const auto real = x.to(c10::toRealValueType(rotation.scalar_type()));
  const auto pairs = torch::view_as_complex(real.unflatten(-1, {real.size(-1) / 2, 2}));
  return torch::view_as_real(pairs * rotation).flatten(-2).to(x.scalar_type());
}

// For queries at the positions from `first` on: [queries, keys], true where a key comes after its
// query.
torch::Tensor LaterKeys(int64_t first, int64_t queries, int64_t keys, torch::Device device) {
  const auto options = torch::TensorOptions(torch::kLong).device(device);
  return torch::arange(keys, options) > torch::arange(first, first + queries, options).unsqueeze(1);
}

struct AttentionOptions {
  torch::Tensor mask{};  // As in SelfAttentionPass; Attend() makes it one over all keys.
  double dropout = 0.0;
  bool causal = false;
  AttentionPositions positions{};  // Those of the layer.
};

// softmax(query key^T / sqrt(head_dim)) value, by LibTorch's fused kernels where it has one for the
// case. All tensors: [batch, num_heads, length, head_dim].
torch::Tensor AttendFused(const torch::Tensor& query, const KeyValue& key_value,
                          const AttentionOptions& options) {
  const int64_t queries = query.size(2);
  const int64_t keys = key_value.key.size(2);
  std::optional<torch::Tensor> mask;
  if (options.mask.defined()) {
    mask = options.mask.is_floating_point() ? options.mask.to(query.scalar_type()) : options.mask;
  }
  // Fused kernels know only a triangle that begins with the first key.
  const bool has_triangle = options.causal && keys == queries;
  if (options.causal && !has_triangle) {
    mask = ~LaterKeys(keys - queries, queries, keys, query.device());
  }
  return at::scaled_dot_product_attention(query, key_value.key, key_value.value, mask,
                                          options.dropout, has_triangle);
}

// AttendByDistance() for the queries from `first` on, of `all_queries` whose last one is at the
// last key. The products with the vectors take one matrix for each query, shared by batch and heads
// (Shaw et al. 2018, section 3.3).
torch::Tensor AttendBlockByDistance(const torch::Tensor& query, int64_t first, int64_t all_queries,
                                    const KeyValue& key_value, const AttentionOptions& options) {
  const int64_t batch = query.size(0);
  const int64_t heads = query.size(1);
  const int64_t queries = query.size(2);
  const int64_t head_dim = query.size(3);
  const int64_t keys = key_value.key.size(2);
  const int64_t keys_of_tokens = options.positions.key_vectors.size(0) - all_queries + 1;
  // [batch, num_heads, queries, n] -> [queries, batch * num_heads, n] and back
  const auto queries_first = [&](const torch::Tensor& x) {
    return x.permute({2, 0, 1, 3}).reshape({queries, batch * heads, x.size(3)});
  };
  const auto queries_inside = [&](const torch::Tensor& x) {
    return x.view({queries, batch, heads, x.size(2)}).permute({1, 2, 0, 3});
  };
  // [head_dim, queries, keys]
  const auto spread = [&](const torch::Tensor& vectors) {
    const auto of_block =
        vectors.narrow(0, all_queries - first - queries, queries + keys_of_tokens - 1);
    return OverPrefix(OverQueriesAndKeys(of_block.t(), queries), keys);
  };
  const auto key_vectors = spread(options.positions.key_vectors).transpose(0, 1);
  const auto value_vectors = spread(options.positions.value_vectors).permute({1, 2, 0});

  const auto scaled = query / std::sqrt(static_cast<double>(head_dim));
  auto scores = torch::matmul(scaled, key_value.key.transpose(2, 3)) +
                queries_inside(torch::bmm(queries_first(scaled), key_vectors));
  if (options.causal) {
    const auto later = LaterKeys(keys - all_queries + first, queries, keys, query.device());
    scores = scores.masked_fill(later, kNever);
  }
  if (options.mask.defined()) scores = scores.masked_fill(~options.mask, kNever);
  auto weights = torch::softmax(scores, -1).to(key_value.value.scalar_type());
  if (options.dropout > 0) weights = torch::dropout(weights, options.dropout, /*train=*/true);
  return torch::matmul(weights, key_value.value) +
         queries_inside(torch::bmm(queries_first(weights), value_vectors));
}

// Attention in which each query sees other keys and values, by their distance from it:
//   scores[i, j] = query[i] (key[j] + key_vectors[j - i])^T / sqrt(head_dim)
//   result[i] = sum over j of softmax(scores)[i, j] (value[j] + value_vectors[j - i])
// No fused kernel can do this. The mask is bool and the same for all queries.
torch::Tensor AttendByDistance(const torch::Tensor& query, const KeyValue& key_value,
                               const AttentionOptions& options) {
  // Spread over queries and keys, the vectors of a long sentence would fill the memory.
  constexpr int64_t kBlock = 256;
  const int64_t queries = query.size(2);
  std::vector<torch::Tensor> blocks;
  for (int64_t first = 0; first < queries; first += kBlock) {
    const auto block = query.narrow(2, first, std::min(kBlock, queries - first));
    blocks.push_back(AttendBlockByDistance(block, first, queries, key_value, options));
  }
  return blocks.size() == 1 ? blocks.front() : torch::cat(blocks, /*dim=*/2);
}

// Queries, keys and values as AttendShort() takes them.
ShortAttention Short(const HeadColumns& query, const HeadColumns& key, const HeadColumns& value,
                     int64_t num_heads, const AttentionOptions& options) {
  const int64_t blocks = query.projection.is_same(key.projection) ? 3 : 1;
  return {.query = query,
          .key = key,
          .value = value,
          .num_heads = num_heads,
          .head_dim = query.projection.size(2) / blocks / num_heads,
          .mask = options.mask,
          .causal = options.causal,
          .key_vectors = options.positions.key_vectors,
          .value_vectors = options.positions.value_vectors};
}

// By the fastest way that there is for the case: [batch, queries, d_model].
torch::Tensor Attend(const torch::Tensor& query, const KeyValue& key_value,
                     AttentionOptions options) {
  const int64_t keys = key_value.key.size(2);
  if (options.mask.defined()) options.mask = OverPrefix(options.mask, keys);
  if (query.is_cpu() && options.dropout == 0 && keys <= kMaxShortKeys) {
    const auto attention = Short({MergeHeads(query)}, {MergeHeads(key_value.key)},
                                 {MergeHeads(key_value.value)}, query.size(1), options);
    if (CanAttendShort(attention)) return AttendShort(attention);
  }
  const auto attend = [&](const torch::Tensor& q, const KeyValue& kv) {
    return MergeHeads(options.positions.key_vectors.defined() ? AttendByDistance(q, kv, options)
                                                              : AttendFused(q, kv, options));
  };
  if (query.is_cpu() && query.scalar_type() == torch::kBFloat16) {
    // Computed in fp32 under autocast on the CPU: LibTorch's gradient kernel is several times
    // slower in bfloat16 (see `wavemt train --profile`), and there is little to multiply.
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
    return attend(query.to(torch::kFloat),
                  {key_value.key.to(torch::kFloat), key_value.value.to(torch::kFloat)});
  }
  return attend(query, key_value);
}

}  // namespace

SelfAttentionPass SelfAttentionPass::OfEncoder(const AttentionPositions& positions,
                                               const torch::Tensor& src_padding_mask) {
  const torch::Tensor& bias = positions.score_bias;
  if (!bias.defined()) return {.positions = positions, .mask = src_padding_mask};
  return {.positions = positions.WithoutScoreBias(),
          .mask = src_padding_mask.defined() ? bias.masked_fill(~src_padding_mask, kNever) : bias};
}

SelfAttentionPass SelfAttentionPass::OfDecoder(const AttentionPositions& positions) {
  const torch::Tensor& bias = positions.score_bias;
  if (!bias.defined()) return {.positions = positions, .causal = true};
  // Fused kernels take either a mask or `causal`.
  return {
      .positions = positions.WithoutScoreBias(),
      .mask = bias.masked_fill(LaterKeys(0, bias.size(2), bias.size(3), bias.device()), kNever)};
}

SelfAttentionPass SelfAttentionPass::OfStep(const AttentionPositions& positions) {
  return {.positions = positions.WithoutScoreBias(), .mask = positions.score_bias};
}

SelfAttentionPass SelfAttentionPass::InLayer(int64_t layer) const {
  SelfAttentionPass one = *this;
  one.positions = positions.InLayer(layer);
  return one;
}

SelfAttentionImpl::SelfAttentionImpl(const ModelConfig& config)
    : num_heads_(config.num_heads), dropout_(config.attention_dropout) {
  qkv_proj = register_module("qkv_proj", Projection(config.d_model, 3 * config.d_model, 3));
  out_proj = register_module("out_proj", Projection(config.d_model, config.d_model));
}

SelfAttentionImpl::Heads SelfAttentionImpl::Split(const torch::Tensor& qkv,
                                                  const AttentionPositions& positions) const {
  const auto projections = qkv.chunk(3, /*dim=*/-1);  // 3 of [batch, length, d_model]
  Heads heads = {.query = SplitHeads(projections[0], num_heads_),
                 .key_value = {.key = SplitHeads(projections[1], num_heads_),
                               .value = SplitHeads(projections[2], num_heads_)}};
  if (positions.rotation.defined()) {
    heads.query = TurnPairs(heads.query, positions.rotation);
    heads.key_value.key = TurnPairs(heads.key_value.key, positions.rotation);
  }
  return heads;
}

torch::Tensor SelfAttentionImpl::forward(const torch::Tensor& x, const SelfAttentionPass& pass) {
  RECORD_USER_SCOPE("self-attention");
  const AttentionOptions options = {.mask = pass.mask,
                                    .dropout = is_training() ? dropout_ : 0.0,
                                    .causal = pass.causal,
                                    .positions = pass.positions};
  const auto qkv = qkv_proj(x);  // [batch, length, 3 * d_model]
  if (prefix.is_empty() && !pass.positions.rotation.defined() && options.dropout == 0) {
    const auto attention = Short({qkv, 0}, {qkv, 1}, {qkv, 2}, num_heads_, options);
    if (CanAttendShort(attention)) return out_proj(AttendShort(attention));
  }
  const Heads heads = Split(qkv, pass.positions);
  return out_proj(Attend(heads.query, AfterPrefix(prefix, heads.key_value), options));
}

torch::Tensor SelfAttentionImpl::ForwardStep(const torch::Tensor& x, const SelfAttentionPass& pass,
                                             int64_t layer, KeyValueCache* cache) {
  Heads heads = Split(qkv_proj(x), pass.positions);
  const auto slots = cache->NewSlots(layer);  // [rows, 2, num_heads, head_dim]
  slots.select(1, 0).copy_(heads.key_value.key.squeeze(2));
  slots.select(1, 1).copy_(heads.key_value.value.squeeze(2));
  const AttentionOptions options = {
      .mask = pass.mask, .causal = pass.causal, .positions = pass.positions};
  return out_proj(Attend(heads.query, cache->OfTarget(layer), options));
}

CrossAttentionImpl::CrossAttentionImpl(const ModelConfig& config)
    : num_heads_(config.num_heads), dropout_(config.attention_dropout) {
  q_proj = register_module("q_proj", Projection(config.d_model, config.d_model));
  kv_proj = register_module("kv_proj", Projection(config.d_model, 2 * config.d_model, 2));
  out_proj = register_module("out_proj", Projection(config.d_model, config.d_model));
}

KeyValue CrossAttentionImpl::Split(const torch::Tensor& key_value) {
  const auto projections = key_value.chunk(2, /*dim=*/-1);  // 2 of [batch, src_len, d_model]
  return AfterPrefix(prefix, {.key = SplitHeads(projections[0], num_heads_),
                              .value = SplitHeads(projections[1], num_heads_)});
}

KeyValue CrossAttentionImpl::ProjectEncoderOutput(const torch::Tensor& encoder_output) {
  RECORD_USER_SCOPE("cross-attention");
  return Split(kv_proj(encoder_output));
}

torch::Tensor CrossAttentionImpl::Weights(const torch::Tensor& x, const KeyValue& encoder_key_value,
                                          const torch::Tensor& src_padding_mask) {
  const auto query = SplitHeads(q_proj(x), num_heads_).to(torch::kFloat);
  // In bfloat16 many weights would be the same.
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCUDA);
  const auto key = encoder_key_value.key.to(torch::kFloat);
  auto scores = torch::matmul(query / std::sqrt(static_cast<double>(query.size(3))),
                              key.transpose(2, 3));  // [batch, num_heads, tgt_len, keys]
  const int64_t keys = key.size(2);
  if (src_padding_mask.defined()) {
    scores = scores.masked_fill(~OverPrefix(src_padding_mask, keys), kNever);
  }
  const int64_t of_prefix = prefix.is_empty() ? 0 : prefix->Slots().size(0);
  return torch::softmax(scores, -1).mean(/*dim=*/1).narrow(-1, of_prefix, keys - of_prefix);
}

torch::Tensor CrossAttentionImpl::forward(const torch::Tensor& x, const KeyValue& encoder_key_value,
                                          const torch::Tensor& src_padding_mask) {
  RECORD_USER_SCOPE("cross-attention");
  const auto query = SplitHeads(q_proj(x), num_heads_);  // [batch, num_heads, tgt_len, head_dim]
  return out_proj(Attend(query, encoder_key_value,
                         {.mask = src_padding_mask, .dropout = is_training() ? dropout_ : 0.0}));
}

torch::Tensor CrossAttentionImpl::AttendTo(const torch::Tensor& x,
                                           const torch::Tensor& encoder_output,
                                           const torch::Tensor& src_padding_mask) {
  RECORD_USER_SCOPE("cross-attention");
  const AttentionOptions options = {.mask = src_padding_mask,
                                    .dropout = is_training() ? dropout_ : 0.0};
  const auto query = q_proj(x);                    // [batch, tgt_len, d_model]
  const auto key_value = kv_proj(encoder_output);  // [batch, src_len, 2 * d_model]
  if (prefix.is_empty() && options.dropout == 0) {
    const auto attention = Short({query}, {key_value, 0}, {key_value, 1}, num_heads_, options);
    if (CanAttendShort(attention)) return out_proj(AttendShort(attention));
  }
  return out_proj(Attend(SplitHeads(query, num_heads_), Split(key_value), options));
}

}  // namespace wavemt
