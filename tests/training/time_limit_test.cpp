#include "training/time_limit.h"

#include <gtest/gtest.h>

namespace wavemt {
namespace {

using std::chrono::seconds;

const TimeLimit::Clock::time_point kStart{seconds(1000)};

TEST(TimeLimitTest, IsNeverOverWithoutADeadline) {
  const TimeLimit limit(std::nullopt, 0);
  EXPECT_FALSE(limit.IsOverAt(kStart + std::chrono::hours(100'000)));
}

TEST(TimeLimitTest, LeavesRoomForAStepAndTwiceACheckpoint) {
  TimeLimit limit(kStart + seconds(100), 0);
  limit.NoteStep(3);
  limit.NoteSave(5);
  EXPECT_FALSE(limit.IsOverAt(kStart + seconds(100 - 15)));
  EXPECT_TRUE(limit.IsOverAt(kStart + seconds(100 - 13)));
  EXPECT_TRUE(limit.IsOverAt(kStart + seconds(200)));
}

TEST(TimeLimitTest, GuessesTheCheckpointFromItsSizeUntilOneIsMeasured) {
  TimeLimit limit(kStart + seconds(1000), int64_t{10} << 30);
  EXPECT_TRUE(limit.IsOverAt(kStart + seconds(600)));
  limit.NoteSave(1);
  EXPECT_FALSE(limit.IsOverAt(kStart + seconds(600)));
}

TEST(TimeLimitTest, RemembersALongStepForAWhile) {
  TimeLimit limit(kStart + seconds(100), 0);
  limit.NoteStep(50);
  for (int step = 0; step < 10; ++step) limit.NoteStep(0.1);
  EXPECT_TRUE(limit.IsOverAt(kStart + seconds(60)));
  for (int step = 0; step < 1000; ++step) limit.NoteStep(0.1);
  EXPECT_FALSE(limit.IsOverAt(kStart + seconds(60)));
}

}  // namespace
}  // namespace wavemt
