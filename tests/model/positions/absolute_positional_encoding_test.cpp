#include "model/positions/absolute_positional_encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "support/error.h"

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// The formula of Vaswani et al. 2017, section 3.5, written as 10000^(2i / d_model).
double ExpectedEncoding(int64_t position, int64_t column, int64_t d_model) {
  const auto two_i = static_cast<double>(column - column % 2);
  const double angle =
      static_cast<double>(position) / std::pow(10000.0, two_i / static_cast<double>(d_model));
  return column % 2 == 0 ? std::sin(angle) : std::cos(angle);
}

class AbsolutePositionalEncodingTest : public testing::TestWithParam<int64_t> {};

TEST_P(AbsolutePositionalEncodingTest, HoldsTheValuesOfTheFormula) {
  const int64_t d_model = GetParam();
  const AbsolutePositionalEncoding encoding(d_model, /*max_len=*/600);
  ASSERT_EQ(encoding->pe.sizes(), (std::vector<int64_t>{600, d_model}));
  const auto pe = encoding->pe.accessor<float, 2>();
  for (int64_t position = 0; position < 600; ++position) {
    for (int64_t column = 0; column < d_model; ++column) {
      ASSERT_NEAR(pe[position][column], ExpectedEncoding(position, column, d_model), 1e-7)
          << "position " << position << ", column " << column;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OddAndEven, AbsolutePositionalEncodingTest,
                         testing::Values(1, 2, 7, 15, 64), testing::PrintToStringParamName());

TEST(AbsolutePositionalEncoding, IsABufferNamedPeWith5000PositionsByDefault) {
  const AbsolutePositionalEncoding encoding(8);
  EXPECT_EQ(encoding->max_len(), 5000);
  EXPECT_TRUE(encoding->parameters().empty());
  const auto buffers = encoding->named_buffers();
  ASSERT_EQ(buffers.size(), 1);
  ASSERT_TRUE(buffers.contains("pe"));
  EXPECT_TRUE(buffers["pe"].is_same(encoding->pe));
  EXPECT_FALSE(encoding->pe.requires_grad());
}

TEST(AbsolutePositionalEncoding, AddsTheSamePositionsToEverySentence) {
  AbsolutePositionalEncoding encoding(6, 10);
  const auto x = torch::randn({3, 4, 6});
  const auto sum = encoding(x);
  for (int64_t row = 0; row < 3; ++row) {
    EXPECT_TRUE(torch::equal(sum[row], x[row] + encoding->pe.narrow(0, 0, 4)));
  }
}

TEST(AbsolutePositionalEncoding, FirstPositionShiftsTheTable) {
  AbsolutePositionalEncoding encoding(6, 10);
  const auto x = torch::zeros({2, 3, 6});
  EXPECT_TRUE(torch::equal(encoding(x, 7)[1], encoding->pe.narrow(0, 7, 3)));
}

TEST(AbsolutePositionalEncoding, AcceptsUpToMaxLenPositions) {
  AbsolutePositionalEncoding encoding(4, 5);
  EXPECT_NO_THROW(encoding(torch::zeros({1, 5, 4})));
  EXPECT_NO_THROW(encoding(torch::zeros({1, 1, 4}), 4));
}

TEST(AbsolutePositionalEncoding, RefusesLongerSentencesAndNamesBothLengths) {
  AbsolutePositionalEncoding encoding(4, 512);
  const auto names_both = AllOf(HasSubstr("600"), HasSubstr("512"));
  EXPECT_THAT([&] { encoding(torch::zeros({1, 600, 4})); }, ThrowsMessage<Error>(names_both));
  EXPECT_THAT([&] { encoding(torch::zeros({1, 100, 4}), 500); }, ThrowsMessage<Error>(names_both));
}

}  // namespace
}  // namespace wavemt
