#include "model/adapters/adapter.h"

#include <algorithm>
#include <string>
#include <vector>

#include "config/config_fields.h"
#include "model/adapters/attention_prefix.h"

namespace wavemt {
namespace {

// The projections of one layer, by what LoRA calls them.
struct NamedBlock {
  LoraProjection kind;
  Projection* projection;
  int64_t block;
};

std::vector<NamedBlock> BlocksOf(SelfAttention& attention, FeedForward& feed_forward) {
  using enum LoraProjection;
  return {{kQuery, &attention->qkv_proj, 0},         {kKey, &attention->qkv_proj, 1},
          {kValue, &attention->qkv_proj, 2},         {kOutput, &attention->out_proj, 0},
          {kFeedForward, &feed_forward->in_proj, 0}, {kFeedForward, &feed_forward->out_proj, 0}};
}

std::vector<NamedBlock> BlocksOf(CrossAttention& attention) {
  using enum LoraProjection;
  return {{kQuery, &attention->q_proj, 0},
          {kKey, &attention->kv_proj, 0},
          {kValue, &attention->kv_proj, 1},
          {kOutput, &attention->out_proj, 0}};
}

std::vector<NamedBlock> BlocksOf(Transformer& model) {
  std::vector<NamedBlock> blocks;
  const auto add = [&](const std::vector<NamedBlock>& more) {
    blocks.insert(blocks.end(), more.begin(), more.end());
  };
  for (const auto& module : *model->encoder->layers) {
    auto* layer = module->as<EncoderLayer>();
    add(BlocksOf(layer->self_attention, layer->feed_forward));
  }
  for (const auto& module : *model->decoder->layers) {
    auto* layer = module->as<DecoderLayer>();
    add(BlocksOf(layer->self_attention, layer->feed_forward));
    add(BlocksOf(layer->cross_attention));
  }
  return blocks;
}

void AddLora(const AdapterConfig& adapter, Transformer& model) {
  const auto& chosen = adapter.lora_projections;
  for (const NamedBlock& named : BlocksOf(model)) {
    if (std::ranges::find(chosen, named.kind) == chosen.end()) continue;
    (*named.projection)
        ->AddLora({.name = std::string(NameOf(named.kind)),
                   .block = named.block,
                   .rank = adapter.lora_rank,
                   .alpha = adapter.lora_alpha,
                   .dropout = adapter.lora_dropout});
  }
}

void AddPrefixes(const AdapterConfig& adapter, const ModelConfig& config, Transformer& model) {
  for (const auto& module : *model->encoder->layers) {
    module->as<EncoderLayer>()->self_attention->AddPrefix(AttentionPrefix(config, adapter));
  }
  for (const auto& module : *model->decoder->layers) {
    auto* layer = module->as<DecoderLayer>();
    layer->self_attention->AddPrefix(AttentionPrefix(config, adapter));
    layer->cross_attention->AddPrefix(AttentionPrefix(config, adapter));
  }
}

}  // namespace

void AddAdapter(const AdapterConfig& adapter, const ModelConfig& model_config, Transformer* model) {
  if (adapter.type == AdapterType::kNone) return;
  for (torch::Tensor& parameter : (*model)->parameters()) parameter.requires_grad_(false);
  if (adapter.type == AdapterType::kLora) {
    AddLora(adapter, *model);
  } else {
    AddPrefixes(adapter, model_config, *model);
  }
}

bool IsAdapterWeight(std::string_view name) {
  return name.find(".lora_") != std::string_view::npos ||
         name.find("attention.prefix.") != std::string_view::npos;
}

void MergeLora(Transformer* model) {
  for (const NamedBlock& named : BlocksOf(*model)) (*named.projection)->MergeLora();
}

}  // namespace wavemt
