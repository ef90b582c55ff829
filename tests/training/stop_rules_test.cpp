#include "training/stop_rules.h"

#include <gtest/gtest.h>

#include <chrono>

namespace wavemt {
namespace {

class StopRulesTest : public testing::Test {
 protected:
  StopRules Rules() const { return {config_, deadline_, /*checkpoint_bytes=*/0}; }

  TrainingConfig config_;
  std::optional<TimeLimit::Clock::time_point> deadline_;
};

TEST_F(StopRulesTest, StepsEpochsAndPatienceEndATraining) {
  config_.max_steps = 10;
  EXPECT_EQ(Rules().ReasonToStop({.step = 9}), std::nullopt);
  EXPECT_EQ(Rules().ReasonToStop({.step = 10}), StopReason::kMaxSteps);
  config_.max_epochs = 2;
  EXPECT_EQ(Rules().ReasonToStop({.step = 5, .position = {.epoch = 1, .batch = 7}}), std::nullopt);
  EXPECT_EQ(Rules().ReasonToStop({.step = 5, .position = {.epoch = 2, .batch = 0}}),
            StopReason::kMaxEpochs);
  config_.patience = 3;
  EXPECT_EQ(Rules().ReasonToStop({.step = 5, .position = {}, .validations_without_best = 2}),
            std::nullopt);
  EXPECT_EQ(Rules().ReasonToStop({.step = 5, .position = {}, .validations_without_best = 3}),
            StopReason::kPatience);
}

TEST_F(StopRulesTest, APendingValidationEndsATrainingLikeTheLimitThatInterruptedIt) {
  EXPECT_EQ(
      Rules().ReasonToStop(
          {.step = 5, .position = {}, .validations_without_best = 0, .validation_pending = true}),
      StopReason::kTimeLimit);
}

TEST_F(StopRulesTest, ADeadlineComesBeforeTheConfig) {
  config_.max_steps = 10;
  deadline_ = TimeLimit::Clock::now();
  StopRules rules = Rules();
  EXPECT_EQ(rules.ReasonToStop({.step = 10}), StopReason::kTimeLimit);
  EXPECT_TRUE(rules.StopCheck()());
  deadline_ = TimeLimit::Clock::now() + std::chrono::hours(1);
  StopRules early = Rules();
  EXPECT_EQ(early.ReasonToStop({.step = 9}), std::nullopt);
  EXPECT_FALSE(early.StopCheck()());
}

TEST_F(StopRulesTest, TheLastStepIsThatOfStepsOrEpochsWhicheverComesFirst) {
  config_.max_steps = 100;
  EXPECT_EQ(Rules().LastStep({.step = 3}, /*batches_per_epoch=*/10), 100);
  config_.max_epochs = 3;
  config_.gradient_accumulation = 2;
  // 30 batches in all, of which 10 + 4 are done: 16 batches are 8 more steps.
  const TrainingStatus status{.step = 7, .position = {.epoch = 1, .batch = 4}};
  EXPECT_EQ(Rules().LastStep(status, 10), 15);
  EXPECT_EQ(Rules().LastStep(status, 1000), 100);
  EXPECT_FALSE(Rules().IsLastStep(status));
  EXPECT_TRUE(Rules().IsLastStep({.step = 15, .position = {.epoch = 3, .batch = 1}}));
  EXPECT_TRUE(Rules().IsLastStep({.step = 100}));
}

}  // namespace
}  // namespace wavemt
