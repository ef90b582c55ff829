#include "training/step_tally.h"

#include <gtest/gtest.h>

#include <limits>

namespace wavemt {
namespace {

void Add(StepTally& tally, double loss, int64_t tokens) {
  const auto value = torch::tensor(loss, torch::kDouble);
  tally.Add(value, tokens, torch::isfinite(value));
}

TEST(StepTally, AddsUpFiniteStepsAndCountsTheOthers) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  StepTally tally(torch::kCPU);
  Add(tally, 2.5, 10);
  Add(tally, kNaN, 1000);
  Add(tally, std::numeric_limits<double>::infinity(), 1000);
  EXPECT_EQ(tally.Read().skipped_in_a_row, 2);
  Add(tally, 4.0, 20);
  StepTally::Sums sums = tally.Read();
  EXPECT_EQ(sums.loss, 6.5);
  EXPECT_EQ(sums.tokens, 30);
  EXPECT_EQ(sums.skipped, 2);
  EXPECT_EQ(sums.skipped_in_a_row, 0);
  tally.ClearInterval();
  Add(tally, kNaN, 7);
  sums = tally.Read();
  EXPECT_EQ(sums.loss, 0.0);
  EXPECT_EQ(sums.tokens, 0);
  EXPECT_EQ(sums.skipped, 3);
  EXPECT_EQ(sums.skipped_in_a_row, 1);
}

TEST(StepTally, GoesOnFromWhatItWas) {
  StepTally tally(torch::kCPU);
  tally.Set({.loss = 1.25, .tokens = (int64_t{1} << 40) + 1, .skipped = 5, .skipped_in_a_row = 2});
  Add(tally, std::numeric_limits<double>::quiet_NaN(), 3);
  const StepTally::Sums sums = tally.Read();
  EXPECT_EQ(sums.loss, 1.25);
  EXPECT_EQ(sums.tokens, (int64_t{1} << 40) + 1);
  EXPECT_EQ(sums.skipped, 6);
  EXPECT_EQ(sums.skipped_in_a_row, 3);
}

}  // namespace
}  // namespace wavemt
