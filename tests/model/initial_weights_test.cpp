#include <gtest/gtest.h>

#include <cmath>

#include "checkpoint/named_tensors.h"
#include "small_model.h"

namespace wavemt {
namespace {

constexpr VocabularySizes kVocabularies{.source = 400, .target = 400};

NamedTensors Draw(const ModelConfig& config, uint64_t seed) {
  torch::manual_seed(seed);
  return StateOf(*Transformer(config, kVocabularies));
}

TEST(InitialWeights, DependOnlyOnTheSeed) {
  const ModelConfig config = SmallModelConfig();
  const NamedTensors weights = Draw(config, 7);
  torch::rand({100});  // Earlier draws do not matter.
  const NamedTensors again = Draw(config, 7);
  const NamedTensors other = Draw(config, 8);
  ASSERT_EQ(weights.size(), again.size());
  for (const auto& [name, tensor] : weights) {
    EXPECT_TRUE(torch::equal(tensor, again.at(name))) << name;
    const bool is_drawn = tensor.dim() > 1 && name != "position_encoding.pe";
    EXPECT_EQ(torch::equal(tensor, other.at(name)), !is_drawn) << name;
  }
}

TEST(InitialWeights, BiasesAreZeroAndNormsAreOne) {
  for (const auto& [name, tensor] : Draw(SmallModelConfig(), 1)) {
    if (tensor.dim() != 1) continue;
    const double expected = name.ends_with("bias") ? 0.0 : 1.0;
    EXPECT_TRUE((tensor == expected).all().item<bool>()) << name;
  }
}

// Glorot and Bengio 2010: uniform within sqrt(6 / (inputs + outputs)) for each matrix.
void ExpectXavier(const torch::Tensor& block, const std::string& name) {
  const double bound = std::sqrt(6.0 / static_cast<double>(block.size(0) + block.size(1)));
  const double largest = block.abs().max().item<double>();
  EXPECT_LE(largest, bound) << name;
  EXPECT_GT(largest, 0.95 * bound) << name;
  // The standard deviation of that distribution is bound / sqrt(3).
  EXPECT_NEAR(block.std().item<double>() / (bound / std::sqrt(3.0)), 1.0, 0.1) << name;
}

TEST(InitialWeights, EachBlockOfAFusedMatrixIsXavierUniform) {
  ModelConfig config = SmallModelConfig();
  config.d_model = 64;
  config.ffn_dim = 96;
  for (const Activation activation : {Activation::kRelu, Activation::kSwiglu}) {
    config.activation = activation;
    for (const auto& [name, tensor] : Draw(config, 1)) {
      if (!name.ends_with("_proj.weight")) continue;
      int64_t blocks = 1;
      if (name.ends_with("qkv_proj.weight")) blocks = 3;
      if (name.ends_with("kv_proj.weight") && blocks == 1) blocks = 2;
      if (name.ends_with("in_proj.weight") && activation == Activation::kSwiglu) blocks = 2;
      for (const auto& block : tensor.chunk(blocks, 0)) ExpectXavier(block, name);
    }
  }
}

TEST(InitialWeights, EmbeddingsHaveVarianceOneOverDModel) {
  ModelConfig config = SmallModelConfig();
  config.d_model = 64;
  config.tied_embeddings = TiedEmbeddings::kNone;
  const NamedTensors weights = Draw(config, 1);
  for (const auto* name :
       {"source_embedding.weight", "target_embedding.weight", "output_projection"}) {
    EXPECT_NEAR(weights.at(name).mean().item<double>(), 0.0, 0.01) << name;
    EXPECT_NEAR(weights.at(name).std().item<double>(), 1.0 / 8.0, 0.01) << name;
  }
}

}  // namespace
}  // namespace wavemt
