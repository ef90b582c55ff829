#include "training/skipped_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/captured_log.h"
#include "support/error.h"

namespace wavemt {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

StepTally::Sums Skipped(int64_t skipped, int64_t in_a_row) {
  return {.loss = 0, .tokens = 0, .skipped = skipped, .skipped_in_a_row = in_a_row};
}

TEST(SkippedSteps, AreReportedOnce) {
  SkippedSteps steps(/*max_in_a_row=*/3, /*run=*/std::nullopt);
  int looked = 0;
  const auto cause = [&] {
    ++looked;
    return std::string("the loss");
  };
  const CapturedLog log;
  steps.Report(Skipped(0, 0), 1, cause);
  EXPECT_EQ(log.text(), "");
  steps.Report(Skipped(1, 1), 2, cause);
  EXPECT_THAT(log.text(), HasSubstr("step 2 is skipped"));
  EXPECT_THAT(log.text(), HasSubstr("the loss"));
  const std::string before = log.text();
  steps.Report(Skipped(1, 0), 3, cause);
  EXPECT_EQ(log.text(), before) << "nothing new";
  EXPECT_EQ(looked, 1);
}

TEST(SkippedSteps, TooManyInARowAreAFailure) {
  SkippedSteps steps(/*max_in_a_row=*/2, /*run=*/std::nullopt);
  steps.Restore(5);  // Of an earlier session, which reported them.
  const CapturedLog log;
  steps.Report(Skipped(5, 1), 8, [] { return std::string(); });
  EXPECT_EQ(log.text(), "");
  EXPECT_THAT([&] { steps.Report(Skipped(6, 2), 9, [] { return std::string("the loss"); }); },
              ThrowsMessage<Error>(HasSubstr("training.max_skipped_steps")));
}

}  // namespace
}  // namespace wavemt
