#include "decoding/hypothesis.h"

#include <gtest/gtest.h>

#include <vector>

namespace wavemt {
namespace {

// Of `length` tokens with </s>.
Hypothesis Found(int64_t length, double log_probability, double found_with, double besides = 0) {
  return {.sequence = {.tokens = std::vector<int32_t>(static_cast<size_t>(length - 1), 7)},
          .log_probability = log_probability,
          .score = log_probability / LengthPenalty(length, found_with) + besides};
}

TEST(BestUnderEach, RanksByHand) {
  // The divisors (5 + length) / 6 are 1, 2 and 4.
  const std::vector<Hypothesis> found = {Found(19, -3.2, 1), Found(7, -1.8, 1), Found(1, -1, 1)};
  const std::vector<double> penalties = {0, 0.5, 1, 2};
  const auto best = BestUnderEach(penalties, found, 1);
  ASSERT_EQ(best.size(), 4U);
  EXPECT_EQ(best[0].log_probability, -1) << "-3.2, -1.8, -1";
  EXPECT_DOUBLE_EQ(best[0].score, -1);
  EXPECT_EQ(best[1].log_probability, -1) << "-1.6, -1.27, -1";
  EXPECT_EQ(best[2].log_probability, -3.2) << "-0.8, -0.9, -1";
  EXPECT_DOUBLE_EQ(best[2].score, -0.8);
  EXPECT_EQ(best[3].log_probability, -3.2) << "-0.2, -0.45, -1";
  EXPECT_DOUBLE_EQ(best[3].score, -0.2);
}

TEST(BestUnderEach, KeepsTheCoveragePenalty) {
  const std::vector<Hypothesis> found = {Found(19, -3.2, 1, -0.5), Found(7, -1.8, 1, -0.1)};
  const auto best = BestUnderEach(std::vector<double>{1, 2}, found, 1);
  ASSERT_EQ(best.size(), 2U);
  EXPECT_EQ(best[0].log_probability, -1.8) << "-0.8 - 0.5, -0.9 - 0.1";
  EXPECT_NEAR(best[0].score, -1.0, 1e-12);
  EXPECT_EQ(best[1].log_probability, -1.8) << "-0.2 - 0.5, -0.45 - 0.1";
  EXPECT_NEAR(best[1].score, -0.55, 1e-12);
}

TEST(BestUnderEach, OfEqualScoresTheFirstIsTheBest) {
  Hypothesis second = Found(7, -2, 1);
  second.end_log_prob = -5;
  const auto best =
      BestUnderEach(std::vector<double>{0, 3}, std::vector<Hypothesis>{Found(7, -2, 1), second}, 1);
  ASSERT_EQ(best.size(), 2U);
  EXPECT_EQ(best[0].end_log_prob, 0);
  EXPECT_EQ(best[1].end_log_prob, 0);
}

}  // namespace
}  // namespace wavemt
