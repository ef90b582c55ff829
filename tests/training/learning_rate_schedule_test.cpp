#include "training/learning_rate_schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string>

#include "config/config_fields.h"

namespace wavemt {
namespace {

TrainingConfig ScheduleConfig(LearningRateSchedule schedule) {
  TrainingConfig config;
  config.schedule = schedule;
  config.learning_rate = 0.002;
  config.warmup_steps = 100;
  config.max_steps = 1100;
  config.min_learning_rate = 0.0001;
  return config;
}

class EveryScheduleTest : public testing::TestWithParam<LearningRateSchedule> {};

TEST_P(EveryScheduleTest, RisesInAStraightLineDuringWarmUp) {
  const TrainingConfig config = ScheduleConfig(GetParam());
  EXPECT_DOUBLE_EQ(LearningRateAt(1, config), 0.002 / 100);
  EXPECT_DOUBLE_EQ(LearningRateAt(37, config), 0.002 * 37 / 100);
  EXPECT_DOUBLE_EQ(LearningRateAt(100, config), 0.002);
}

TEST_P(EveryScheduleTest, GoesOnWithoutAJumpAndNeverRisesAgain) {
  const TrainingConfig config = ScheduleConfig(GetParam());
  EXPECT_NEAR(LearningRateAt(101, config), 0.002, 0.002 * 0.01);
  for (int64_t step = 101; step < 2000; ++step) {
    ASSERT_LE(LearningRateAt(step, config), LearningRateAt(step - 1, config)) << step;
    ASSERT_GE(LearningRateAt(step, config), config.min_learning_rate) << step;
  }
}

TEST_P(EveryScheduleTest, WorksWithoutWarmUp) {
  TrainingConfig config = ScheduleConfig(GetParam());
  config.warmup_steps = 0;
  EXPECT_NEAR(LearningRateAt(1, config), 0.002, 0.002 * 0.01);
  EXPECT_TRUE(std::isfinite(LearningRateAt(5000, config)));
}

INSTANTIATE_TEST_SUITE_P(All, EveryScheduleTest,
                         testing::Values(LearningRateSchedule::kInverseSqrt,
                                         LearningRateSchedule::kCosine,
                                         LearningRateSchedule::kLinear,
                                         LearningRateSchedule::kConstant),
                         [](const auto& info) { return std::string(NameOf(info.param)); });

TEST(InverseSqrt, IsTheFormulaOfTheTransformer) {
  // Vaswani et al. 2017, section 5.3: d_model^-0.5 * min(step^-0.5, step * warmup^-1.5).
  TrainingConfig config;
  config.warmup_steps = 4000;
  config.learning_rate = std::pow(512.0, -0.5) * std::pow(4000.0, -0.5);
  for (const int64_t step : {1, 100, 3999, 4000, 4001, 10'000, 100'000}) {
    const auto s = static_cast<double>(step);
    const double expected =
        std::pow(512.0, -0.5) * std::min(std::pow(s, -0.5), s * std::pow(4000.0, -1.5));
    EXPECT_NEAR(LearningRateAt(step, config) / expected, 1.0, 1e-12) << step;
  }
}

TEST(InverseSqrt, StopsAtTheLowest) {
  const TrainingConfig config = ScheduleConfig(LearningRateSchedule::kInverseSqrt);
  EXPECT_DOUBLE_EQ(LearningRateAt(10'000'000, config), 0.0001);
}

TEST(Cosine, IsHalfAWave) {
  const TrainingConfig config = ScheduleConfig(LearningRateSchedule::kCosine);
  for (const int64_t step : {101, 350, 600, 1000, 1100, 1101}) {
    const double progress = static_cast<double>(step - 100) / 1001.0;
    EXPECT_NEAR(LearningRateAt(step, config),
                0.0001 + 0.5 * 0.0019 * (1 + std::cos(std::numbers::pi * progress)), 1e-15)
        << step;
  }
  EXPECT_NEAR(LearningRateAt(1101, config), 0.0001, 1e-15);
  EXPECT_NEAR(LearningRateAt(1'000'000, config), 0.0001, 1e-15);
}

TEST(Linear, IsALine) {
  const TrainingConfig config = ScheduleConfig(LearningRateSchedule::kLinear);
  EXPECT_NEAR(LearningRateAt(350, config), 0.002 - 250.0 / 1001.0 * 0.0019, 1e-15);
  EXPECT_NEAR(LearningRateAt(1101, config), 0.0001, 1e-15);
  EXPECT_NEAR(LearningRateAt(5000, config), 0.0001, 1e-15);
}

// An update with a rate of 0 would be wasted.
TEST_P(EveryScheduleTest, TheLastUpdateLearns) {
  TrainingConfig config = ScheduleConfig(GetParam());
  config.min_learning_rate = 0;
  EXPECT_GT(LearningRateAt(config.max_steps, config), 0);
  config.warmup_steps = config.max_steps;
  EXPECT_GT(LearningRateAt(config.max_steps, config), 0);
  config.max_steps = 1;
  EXPECT_GT(LearningRateAt(config.max_steps, config), 0);
}

TEST(Constant, Stays) {
  const TrainingConfig config = ScheduleConfig(LearningRateSchedule::kConstant);
  EXPECT_EQ(LearningRateAt(101, config), 0.002);
  EXPECT_EQ(LearningRateAt(1'000'000, config), 0.002);
}

}  // namespace
}  // namespace wavemt
