// What each encoding computes by itself. That models with it keep the promises of every model is
// in transformer_test.cpp; that they equal other programs, in peers/test_position_parity.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "model/positions/absolute_positional_encoding.h"
#include "model/positions/alibi_encoding.h"
#include "model/positions/article_encoding.h"
#include "model/positions/distances.h"
#include "model/positions/rotary_encoding.h"
#include "model/positions/t5_encoding.h"

namespace wavemt {
namespace {

using testing::ElementsAre;

AttentionSpan Span(Stack stack, int64_t first, int64_t queries) {
  return {.stack = stack, .first = first, .queries = queries, .options = torch::TensorOptions()};
}

TEST(Distances, CoverTheSpanInOrder) {
  EXPECT_TRUE(torch::equal(Distances(Span(Stack::kEncoder, 0, 3)),
                           torch::tensor({-2, -1, 0, 1, 2}, torch::kLong)));
  EXPECT_TRUE(torch::equal(Distances(Span(Stack::kDecoder, 3, 1)),
                           torch::tensor({-3, -2, -1, 0}, torch::kLong)));
}

TEST(Distances, SpreadOverQueriesAndKeys) {
  for (const auto& [first, queries] : {std::pair(0, 4), {3, 1}, {2, 3}}) {
    const auto span = Span(Stack::kDecoder, first, queries);
    const auto spread = OverQueriesAndKeys(Distances(span), span.queries);
    ASSERT_EQ(spread.sizes(), (std::vector<int64_t>{span.queries, span.keys()}));
    for (int64_t i = 0; i < span.queries; ++i) {
      for (int64_t j = 0; j < span.keys(); ++j) {
        EXPECT_EQ(spread[i][j].item<int64_t>(), j - (span.first + i));
      }
    }
  }
}

TEST(TokenPositions, RowsMayStartAnywhere) {
  AbsolutePositionalEncoding sinusoidal(6, 20);
  ArticleEncoding article(6, 20);
  article->InitializeWeights();
  ArticleFixedEncoding article_fixed;
  const auto x = torch::randn({2, 4, 6});
  const TokenPositions shifted = {.first = 1, .starts = torch::tensor({0, 7}, torch::kLong)};
  const std::vector<PositionEncodingImpl*> encodings = {sinusoidal.get(), article.get(),
                                                        article_fixed.get()};
  for (PositionEncodingImpl* encoding : encodings) {
    const auto together = encoding->AddTo(x, shifted, Stack::kEncoder);
    for (int64_t row = 0; row < 2; ++row) {
      const auto alone =
          encoding->AddTo(x.narrow(0, row, 1), {.first = row == 0 ? 1 : 8}, Stack::kEncoder);
      EXPECT_TRUE(torch::allclose(together[row], alone[0], 0, 1e-6));
    }
  }
}

TEST(ArticleFixedEncoding, HoldsTheValuesOfTheFormulaInBothHalves) {
  ArticleFixedEncoding encoding;
  const auto added = encoding->AddTo(torch::zeros({1, 3, 5}), {.first = 700}, Stack::kDecoder)[0];
  for (int64_t i = 0; i < 3; ++i) {
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(700 + i) / 10000.0;
    for (int64_t column = 0; column < 5; ++column) {
      const double expected = column < 3 ? std::sin(angle) : std::cos(angle);
      EXPECT_NEAR(added[i][column].item<double>(), expected, 1e-6);
    }
  }
}

TEST(RotaryEncoding, ProductsDependOnDistanceAlone) {
  RotaryEncoding encoding(8, 10000.0);
  const auto turn = [&](const torch::Tensor& x, int64_t position) {
    const auto rotation = encoding->ForAttention(Span(Stack::kEncoder, position, 1)).rotation;
    return torch::view_as_real(torch::view_as_complex(x.view({4, 2})) * rotation[0]).flatten();
  };
  const auto query = torch::randn({8});
  const auto key = torch::randn({8});
  const auto product = [&](int64_t i, int64_t j) {
    return turn(query, i).dot(turn(key, j)).item<double>();
  };
  EXPECT_NEAR(product(3, 9), product(203, 209), 1e-4);
  EXPECT_NEAR(product(9, 3), product(409, 403), 1e-4);
  EXPECT_GT(std::abs(product(3, 9) - product(9, 3)), 1e-3);
}

// The slopes of the paper's figures 3 and of the authors' code for other numbers of heads.
TEST(AlibiEncoding, SlopesOfThePaper) {
  const auto expect = [](int64_t num_heads, const std::vector<float>& expected) {
    const auto slopes = AlibiEncodingImpl::Slopes(num_heads);
    ASSERT_EQ(slopes.size(0), num_heads);
    EXPECT_TRUE(torch::allclose(slopes, torch::tensor(expected), 1e-6, 0)) << num_heads;
  };
  expect(8, {0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625});
  expect(1, {1.0 / 256});
  expect(3, {1.0 / 16, 1.0 / 256, 1.0 / 4});
}

TEST(AlibiEncoding, IsSymmetric) {
  AlibiEncoding encoding(2, AlibiSlopes::kFixed);
  const auto bias = encoding->ForAttention(Span(Stack::kEncoder, 0, 4)).score_bias[0];
  EXPECT_TRUE(torch::equal(bias, bias.transpose(1, 2)));
  EXPECT_NEAR(bias[0][0][3].item<double>(), -3.0 / 16, 1e-7);
}

TEST(T5Encoding, BucketsOfTheDefaultSizes) {
  T5Encoding encoding(ModelConfig{});
  const auto of = [&](const std::vector<int64_t>& distances, Stack stack) {
    const auto buckets = encoding->Buckets(torch::tensor(distances, torch::kLong), stack);
    return std::vector<int64_t>(buckets.const_data_ptr<int64_t>(),
                                buckets.const_data_ptr<int64_t>() + buckets.numel());
  };
  // Both directions have 16 buckets, of which 8 hold one distance each.
  EXPECT_THAT(of({0, -1, 1, -7, 7, -8, 8, -128, 128, 5000}, Stack::kEncoder),
              ElementsAre(0, 1, 17, 7, 23, 8, 24, 15, 31, 31));
  EXPECT_THAT(of({0, -1, -15, -16, -127, -128, -9999, 3}, Stack::kDecoder),
              ElementsAre(0, 1, 15, 16, 31, 31, 31, 0));
}

}  // namespace
}  // namespace wavemt
