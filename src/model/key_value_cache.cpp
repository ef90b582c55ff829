#include "model/key_value_cache.h"

namespace wavemt {
namespace {

void Select(KeyValue* key_value, const torch::Tensor& indices) {
  if (!key_value->key.defined()) return;
  key_value->key = key_value->key.index_select(0, indices);
  key_value->value = key_value->value.index_select(0, indices);
}

}  // namespace

void KeyValueCache::SelectRows(const torch::Tensor& rows) {
  for (Layer& layer : layers) Select(&layer.self_attention, rows);
}

void KeyValueCache::SelectSentences(const torch::Tensor& sentences) {
  for (Layer& layer : layers) Select(&layer.cross_attention, sentences);
  if (src_padding_mask.defined()) src_padding_mask = src_padding_mask.index_select(0, sentences);
}

}  // namespace wavemt
