#include "training/best_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <random>

namespace wavemt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(IsBetter, GoesByTheMetric) {
  using enum ValidationMetric;
  const BestScore low = {.score = 1, .loss = 5};
  const BestScore high = {.score = 2, .loss = 5};
  for (const ValidationMetric metric : {kBleu, kChrf, kAccuracy}) {
    EXPECT_TRUE(IsBetter(high, low, metric));
    EXPECT_FALSE(IsBetter(low, high, metric));
  }
  for (const ValidationMetric metric : {kLoss, kPerplexity}) {
    EXPECT_TRUE(IsBetter(low, high, metric));
    EXPECT_FALSE(IsBetter(high, low, metric));
  }
}

TEST(IsBetter, LossDecidesBetweenEqualScores) {
  using enum ValidationMetric;
  for (const ValidationMetric metric : {kPerplexity, kBleu, kChrf, kAccuracy}) {
    const BestScore score = {.score = 5, .loss = 2};
    EXPECT_TRUE(IsBetter({.score = 5, .loss = 1}, score, metric));
    EXPECT_FALSE(IsBetter({.score = 5, .loss = 2}, score, metric));
    EXPECT_FALSE(IsBetter({.score = 5, .loss = 3}, score, metric));
    // From a checkpoint of a version that did not save it.
    EXPECT_FALSE(IsBetter(score, {.score = 5}, metric));
    EXPECT_FALSE(IsBetter({.score = 5}, score, metric));
  }
}

TEST(BestScores, AreTheBestSoFarTheBestOneFirst) {
  BestScores best(ValidationMetric::kBleu, 3);
  EXPECT_EQ(best.Add({.step = 1, .score = 10, .loss = 5}), 0U);
  EXPECT_EQ(best.Add({.step = 2, .score = 30, .loss = 5}), 0U);
  EXPECT_EQ(best.Add({.step = 3, .score = 20, .loss = 5}), 1U);
  EXPECT_THAT(best.Steps(), ElementsAre(2, 3, 1));
  EXPECT_EQ(best.Add({.step = 4, .score = 9, .loss = 1}), std::nullopt);
  EXPECT_EQ(best.Add({.step = 5, .score = 11, .loss = 9}), 2U);
  EXPECT_THAT(best.Steps(), ElementsAre(2, 3, 5));
  EXPECT_EQ(best.Add({.step = 6, .score = 31, .loss = 9}), 0U);
  EXPECT_THAT(best.Steps(), ElementsAre(6, 2, 3));
  best.Clear();
  EXPECT_THAT(best.Steps(), IsEmpty());
}

TEST(BestScores, OfALossAreTheLowest) {
  for (const ValidationMetric metric : {ValidationMetric::kLoss, ValidationMetric::kPerplexity}) {
    BestScores best(metric, 2);
    for (const int64_t step : {3, 1, 4, 2}) {
      best.Add({.step = step, .score = static_cast<double>(step)});
    }
    EXPECT_THAT(best.Steps(), ElementsAre(1, 2));
  }
}

TEST(BestScores, LossDecidesBetweenEqualScoresAndThenTheEarlierOne) {
  BestScores best(ValidationMetric::kBleu, 2);
  EXPECT_EQ(best.Add({.step = 1, .score = 0, .loss = 5}), 0U);
  EXPECT_EQ(best.Add({.step = 2, .score = 0, .loss = 4}), 0U);
  EXPECT_EQ(best.Add({.step = 3, .score = 0, .loss = 5}), std::nullopt);
  EXPECT_EQ(best.Add({.step = 4, .score = 0, .loss = 4}), 1U);
  EXPECT_THAT(best.Steps(), ElementsAre(2, 4));
  // From a checkpoint of a version that did not save the loss.
  best.Restore({{.step = 1, .score = 0}});
  EXPECT_EQ(best.Add({.step = 2, .score = 0, .loss = 1}), 1U);
}

TEST(BestScores, MayBeMoreOrFewerThanACheckpointHas) {
  const std::vector<BestScore> three = {
      {.step = 3, .score = 30}, {.step = 1, .score = 20}, {.step = 2, .score = 10}};
  BestScores fewer(ValidationMetric::kBleu, 2);
  fewer.Restore(three);
  EXPECT_THAT(fewer.Steps(), ElementsAre(3, 1));
  BestScores more(ValidationMetric::kBleu, 4);
  more.Restore(three);
  EXPECT_EQ(more.all(), three);
  EXPECT_EQ(more.Add({.step = 4, .score = 5}), 3U);
  EXPECT_EQ(more.Add({.step = 5, .score = 4}), std::nullopt);
}

// The first one is what a training without average_best calls its best.
TEST(BestScores, TheFirstDoesNotDependOnTheirNumber) {
  std::mt19937 generator(1);
  BestScores one(ValidationMetric::kChrf, 1);
  BestScores several(ValidationMetric::kChrf, 5);
  for (int64_t step = 1; step <= 200; ++step) {
    const BestScore score{.step = step,
                          .score = static_cast<double>(generator() % 7),
                          .loss = static_cast<double>(generator() % 5)};
    const bool is_best = one.Add(score) == size_t{0};
    EXPECT_EQ(several.Add(score) == size_t{0}, is_best) << step;
    EXPECT_EQ(one.all().front(), several.all().front()) << step;
  }
}

TEST(BestScores, ComeBackFromTheirText) {
  const std::vector<BestScore> scores = {{.step = 7, .score = 0.1 + 0.2, .loss = 1.1},
                                         {.step = 3, .score = -5, .loss = std::nullopt}};
  const auto through_text = [](const std::vector<BestScore>& list) {
    return BestScoresFromJson(ParseJson(ToJson(list).dump(), "text"), "list", "text");
  };
  EXPECT_EQ(through_text(scores), scores);
  EXPECT_THAT(through_text({}), IsEmpty());
  // JSON has no such number, and nothing is less than it either.
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(through_text({{.step = 1, .score = 2, .loss = nan}}),
            (std::vector<BestScore>{{.step = 1, .score = 2}}));
}

}  // namespace
}  // namespace wavemt
