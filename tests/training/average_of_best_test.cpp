#include "training/average_of_best.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>

#include "support/error.h"

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

AverageOfBest ThreeCheckpoints() {
  return {.checkpoints = {{.step = 2000, .score = 33.5, .loss = 1.5},
                          {.step = 2500, .score = 34.125, .loss = 1.25},
                          {.step = 3000, .score = 33.0, .loss = std::nullopt}},
          .scores = {{.name = "valid/loss", .value = 1.125},
                     {.name = "valid/bleu", .value = 34.5},
                     {.name = "valid/news/bleu", .value = 34.5}}};
}

TEST(AverageOfBest, ComesBackFromTheStateOfItsTraining) {
  Json state = {{"step", 3000}};
  EXPECT_FALSE(AverageOfState(state, "state.json"));
  AddToState(ThreeCheckpoints(), &state);
  const auto read = AverageOfState(ParseJson(state.dump(2), "state.json"), "state.json");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->checkpoints, ThreeCheckpoints().checkpoints);
  EXPECT_EQ(read->scores, ThreeCheckpoints().scores);
  EXPECT_EQ(state["step"], 3000);
}

TEST(AverageOfBest, HasTheScoreThatComparesWithThoseOfCheckpoints) {
  using enum ValidationMetric;
  AverageOfBest average = ThreeCheckpoints();
  EXPECT_EQ(ScoreOfAverage(average, kBleu), (BestScore{.score = 34.5, .loss = 1.125}));
  EXPECT_EQ(ScoreOfAverage(average, kLoss), (BestScore{.score = 1.125, .loss = 1.125}));
  EXPECT_EQ(ScoreOfAverage(average, kChrf), std::nullopt);
  // A loss that is not finite is null in JSON.
  average.scores[0].value = std::numeric_limits<double>::infinity();
  Json state = Json::object();
  AddToState(average, &state);
  const auto read = AverageOfState(ParseJson(state.dump(), "state.json"), "state.json");
  ASSERT_TRUE(read);
  EXPECT_EQ(ScoreOfAverage(*read, kLoss), std::nullopt);
  EXPECT_EQ(ScoreOfAverage(*read, kBleu), (BestScore{.score = 34.5}));
}

TEST(AverageOfBest, KnowsItsBestCheckpoint) {
  using enum ValidationMetric;
  AverageOfBest average = ThreeCheckpoints();
  EXPECT_EQ(BestCheckpoint(average, kBleu).step, 2500);
  EXPECT_EQ(BestCheckpoint(average, kLoss).step, 3000);
  // Of two that are equal, the earlier one.
  average.checkpoints[0] = {.step = 2000, .score = 34.125, .loss = 1.25};
  EXPECT_EQ(BestCheckpoint(average, kBleu).step, 2000);
}

TEST(AverageOfBest, IsSaidInWords) {
  AverageOfBest average = ThreeCheckpoints();
  EXPECT_EQ(StepsText(average), "2,000, 2,500 and 3,000");
  EXPECT_EQ(ScoresText(average, ValidationMetric::kBleu),
            "valid BLEU 34.5, the best of them 34.12");
  average.checkpoints.pop_back();
  EXPECT_EQ(StepsText(average), "2,000 and 2,500");
  // Of a loss, the lowest is the best.
  EXPECT_EQ(ScoresText(average, ValidationMetric::kLoss),
            "valid loss 1.125, the best of them 33.5");
  EXPECT_EQ(ScoresText(average, ValidationMetric::kChrf),
            "valid chrF unknown, the best of them 34.12");
}

TEST(AverageOfBest, RefusesAnotherForm) {
  const auto expect_refused = [](const Json& average) {
    const Json state = {{"step", 3000}, {"average", average}};
    EXPECT_THAT([&] { AverageOfState(state, "state.json"); },
                ThrowsMessage<Error>(AllOf(StartsWith("state.json: "), HasSubstr("\""))))
        << average;
  };
  const Json one = Json::array({Json{{"step", 1}, {"score", 2.5}, {"loss", nullptr}}});
  for (const Json& wrong : {Json(), Json(1), Json("average"), Json::array(), Json::object()}) {
    expect_refused(wrong);
  }
  expect_refused({{"checkpoints", one}});
  expect_refused({{"scores", Json::object()}});
  expect_refused({{"checkpoints", one}, {"scores", Json::array()}});
  expect_refused({{"checkpoints", Json::array()}, {"scores", Json::object()}});
  expect_refused({{"checkpoints", "1, 2"}, {"scores", Json::object()}});
  expect_refused({{"checkpoints", Json::array({1, 2})}, {"scores", Json::object()}});
  expect_refused({{"checkpoints", one}, {"scores", Json{{"valid/bleu", "high"}}}});
  EXPECT_FALSE(AverageOfState(Json::array(), "state.json"));
}

}  // namespace
}  // namespace wavemt
