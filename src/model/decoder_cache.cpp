#include "model/decoder_cache.h"

namespace wavemt {
namespace {

void Select(KeyValue* pair, const torch::Tensor& indices) {
  if (!pair->key.defined()) return;
  pair->key = pair->key.index_select(0, indices);
  pair->value = pair->value.index_select(0, indices);
}

}  // namespace

void DecoderCache::SelectRows(const torch::Tensor& rows) {
  for (Layer& layer : layers) Select(&layer.past, rows);
}

void DecoderCache::SelectSentences(const torch::Tensor& sentences) {
  for (Layer& layer : layers) Select(&layer.memory, sentences);
  if (src_padding_mask.defined()) src_padding_mask = src_padding_mask.index_select(0, sentences);
}

}  // namespace wavemt
