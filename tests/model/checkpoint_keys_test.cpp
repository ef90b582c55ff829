// The names of the weights are the keys in checkpoints: changing one makes every existing
// checkpoint unreadable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "checkpoint/named_tensors.h"
#include "small_model.h"

namespace wavemt {
namespace {

using ::testing::ElementsAreArray;

std::vector<std::string> KeysOf(TiedEmbeddings tied, LayerNormPlacement placement) {
  ModelConfig config = SmallModelConfig();
  config.num_encoder_layers = 1;
  config.num_decoder_layers = 1;
  config.tied_embeddings = tied;
  config.layer_norm = placement;
  const Transformer model(config, VocabularySizes{.source = 10, .target = 10});
  std::vector<std::string> keys;
  for (const auto& [name, tensor] : StateOf(*model)) keys.push_back(name);
  return keys;
}

// Sorted, with the names in `embeddings` included.
std::vector<std::string> ExpectedKeys(const std::vector<std::string>& embeddings,
                                      bool has_final_norms) {
  std::vector<std::string> keys = {
      "decoder.layers.0.cross_attention.kv_proj.bias",
      "decoder.layers.0.cross_attention.kv_proj.weight",
      "decoder.layers.0.cross_attention.out_proj.bias",
      "decoder.layers.0.cross_attention.out_proj.weight",
      "decoder.layers.0.cross_attention.q_proj.bias",
      "decoder.layers.0.cross_attention.q_proj.weight",
      "decoder.layers.0.cross_attention_norm.bias",
      "decoder.layers.0.cross_attention_norm.weight",
      "decoder.layers.0.feed_forward.in_proj.bias",
      "decoder.layers.0.feed_forward.in_proj.weight",
      "decoder.layers.0.feed_forward.out_proj.bias",
      "decoder.layers.0.feed_forward.out_proj.weight",
      "decoder.layers.0.feed_forward_norm.bias",
      "decoder.layers.0.feed_forward_norm.weight",
      "decoder.layers.0.self_attention.out_proj.bias",
      "decoder.layers.0.self_attention.out_proj.weight",
      "decoder.layers.0.self_attention.qkv_proj.bias",
      "decoder.layers.0.self_attention.qkv_proj.weight",
      "decoder.layers.0.self_attention_norm.bias",
      "decoder.layers.0.self_attention_norm.weight",
      "encoder.layers.0.feed_forward.in_proj.bias",
      "encoder.layers.0.feed_forward.in_proj.weight",
      "encoder.layers.0.feed_forward.out_proj.bias",
      "encoder.layers.0.feed_forward.out_proj.weight",
      "encoder.layers.0.feed_forward_norm.bias",
      "encoder.layers.0.feed_forward_norm.weight",
      "encoder.layers.0.self_attention.out_proj.bias",
      "encoder.layers.0.self_attention.out_proj.weight",
      "encoder.layers.0.self_attention.qkv_proj.bias",
      "encoder.layers.0.self_attention.qkv_proj.weight",
      "encoder.layers.0.self_attention_norm.bias",
      "encoder.layers.0.self_attention_norm.weight",
      "position_encoding.pe",
  };
  if (has_final_norms) {
    keys.insert(keys.end(), {"decoder.norm.bias", "decoder.norm.weight", "encoder.norm.bias",
                             "encoder.norm.weight"});
  }
  keys.insert(keys.end(), embeddings.begin(), embeddings.end());
  std::sort(keys.begin(), keys.end());
  return keys;
}

TEST(CheckpointKeys, AllTied) {
  EXPECT_THAT(KeysOf(TiedEmbeddings::kAll, LayerNormPlacement::kPre),
              ElementsAreArray(ExpectedKeys({"source_embedding.weight"}, true)));
}

TEST(CheckpointKeys, DecoderTied) {
  EXPECT_THAT(
      KeysOf(TiedEmbeddings::kDecoder, LayerNormPlacement::kPre),
      ElementsAreArray(ExpectedKeys({"source_embedding.weight", "target_embedding.weight"}, true)));
}

TEST(CheckpointKeys, NoneTied) {
  EXPECT_THAT(
      KeysOf(TiedEmbeddings::kNone, LayerNormPlacement::kPre),
      ElementsAreArray(ExpectedKeys(
          {"output_projection", "source_embedding.weight", "target_embedding.weight"}, true)));
}

TEST(CheckpointKeys, PostNormHasNoFinalNorms) {
  EXPECT_THAT(KeysOf(TiedEmbeddings::kAll, LayerNormPlacement::kPost),
              ElementsAreArray(ExpectedKeys({"source_embedding.weight"}, false)));
}

}  // namespace
}  // namespace wavemt
