// The names of the weights are the keys in checkpoints: changing one makes every existing
// checkpoint unreadable.
#include <fmt/format.h>
#include <fmt/ranges.h>
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

TEST(CheckpointKeys, OutputBias) {
  ModelConfig config = SmallModelConfig();
  config.output_bias = true;
  const Transformer model(config, VocabularySizes{.source = 10, .target = 10});
  EXPECT_EQ(StateOf(*model).at("output_bias").sizes(), torch::IntArrayRef({10}));
}

std::vector<std::string> PositionTensors(const PositionEncodingConfig& positions) {
  ModelConfig config = SmallModelConfig();
  config.position_encoding = positions;
  std::vector<std::string> tensors;
  for (const auto& [name, tensor] :
       StateOf(*Transformer(config, VocabularySizes{.source = 10, .target = 10}))) {
    if (!name.starts_with("position_encoding.")) continue;
    tensors.push_back(
        fmt::format("{} {}", name.substr(name.find('.') + 1), fmt::join(tensor.sizes(), "x")));
  }
  return tensors;
}

TEST(CheckpointKeys, TensorsOfEachPositionEncoding) {
  using Type = PositionEncodingType;
  using Tensors = std::vector<std::string>;
  const auto of = [](Type type) {
    return PositionTensors({.type = type, .max_length = 50, .relative_clip_distance = 3});
  };
  EXPECT_EQ(of(Type::kSinusoidal), Tensors({"pe 50x16"}));
  EXPECT_EQ(of(Type::kLearned), Tensors({"decoder_weight 50x16", "encoder_weight 50x16"}));
  EXPECT_EQ(of(Type::kArticle), Tensors({"amplitude 16x50"}));
  EXPECT_EQ(of(Type::kArticleFixed), Tensors());
  EXPECT_EQ(of(Type::kRotary), Tensors());
  EXPECT_EQ(of(Type::kAlibi), Tensors());
  EXPECT_EQ(PositionTensors({.type = Type::kAlibi, .alibi_slopes = AlibiSlopes::kTrained}),
            Tensors({"decoder_slopes 4", "encoder_slopes 4"}));
  EXPECT_EQ(of(Type::kRelative), Tensors({"decoder_keys 2x4x4", "decoder_values 2x4x4",
                                          "encoder_keys 2x7x4", "encoder_values 2x7x4"}));
  EXPECT_EQ(of(Type::kT5), Tensors({"decoder_bias 32x4", "encoder_bias 32x4"}));
  EXPECT_EQ(of(Type::kNone), Tensors());
}

}  // namespace
}  // namespace wavemt
