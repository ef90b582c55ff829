#include "interchange/residual_columns.h"

#include <gtest/gtest.h>

#include <tuple>

#include "../model/small_model.h"

namespace wavemt {
namespace {

TEST(ResidualColumnsTest, OrdersAreInverse) {
  EXPECT_TRUE(torch::equal(OrderOfHalves(5), torch::tensor({0, 2, 4, 1, 3}, torch::kLong)));
  for (const int64_t width : {1, 2, 5, 8}) {
    const auto both = OrderOfHalves(width).index_select(0, OrderOfPairs(width));
    EXPECT_TRUE(torch::equal(both, torch::arange(width, torch::kLong))) << width;
  }
}

class ResidualOrderTest
    : public testing::TestWithParam<std::tuple<LayerNormPlacement, TiedEmbeddings>> {};

// Without positions no column has a meaning of its own, so any order gives the same logits.
TEST_P(ResidualOrderTest, ChangesNoLogit) {
  const torch::NoGradGuard no_grad;
  ModelConfig config = SmallModelConfig();
  std::tie(config.layer_norm, config.tied_embeddings) = GetParam();
  config.position_encoding.type = PositionEncodingType::kNone;
  config.output_bias = true;
  const VocabularySizes vocabulary{.source = 12, .target = 12};
  Transformer model = MakeSmallModel(config, vocabulary, /*seed=*/3);
  Transformer reordered = MakeSmallModel(config, vocabulary, /*seed=*/4);
  const auto order = torch::randperm(config.d_model, torch::kLong);
  CopyTensors(WithResidualOrder(StateOf(*model), order), StateOf(*reordered), "reordered");
  const auto source = torch::randint(12, {2, 6}, torch::kLong);
  const auto target = torch::randint(12, {2, 4}, torch::kLong);
  const auto before = model(source, torch::Tensor(), target);
  const auto after = reordered(source, torch::Tensor(), target);
  EXPECT_TRUE(torch::allclose(before, after, /*rtol=*/1e-4, /*atol=*/1e-4));
  EXPECT_FALSE(torch::equal(model->source_embedding->weight, reordered->source_embedding->weight));
}

INSTANTIATE_TEST_SUITE_P(
    All, ResidualOrderTest,
    testing::Combine(testing::Values(LayerNormPlacement::kPre, LayerNormPlacement::kPost),
                     testing::Values(TiedEmbeddings::kNone, TiedEmbeddings::kDecoder,
                                     TiedEmbeddings::kAll)));

}  // namespace
}  // namespace wavemt
