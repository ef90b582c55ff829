#include "training/time_limit.h"

#include <gtest/gtest.h>

namespace wavemt {
namespace {

using std::chrono::seconds;

const TimeLimit::Clock::time_point kStart{seconds(1000)};

TEST(TimeLimitTest, IsNeverOverWithoutADeadline) {
  TimeLimit limit(std::nullopt, 0);
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

// A validation asks thousands of times, in quick succession.
TEST(TimeLimitTest, PausesDoNotLetItForgetALongStep) {
  TimeLimit limit(kStart + seconds(100), 0);
  limit.NoteStep(30);
  for (int pause = 0; pause < 5000; ++pause) limit.NotePause(0.001);
  EXPECT_TRUE(limit.IsOverAt(kStart + seconds(75)));
}

TEST(TimeLimitTest, LeavesRoomForTheLongestPause) {
  TimeLimit limit(kStart + seconds(100), 0);
  limit.NoteStep(1);
  limit.NotePause(20);
  limit.NotePause(0.1);
  EXPECT_FALSE(TimeLimit(limit).IsOverAt(kStart + seconds(78)));
  EXPECT_TRUE(limit.IsOverAt(kStart + seconds(80)));
}

TEST(TimeLimitTest, GuessesTheCheckpointFromItsSizeUntilOneIsMeasured) {
  TimeLimit limit(kStart + seconds(1000), int64_t{10} << 30);
  TimeLimit measured = limit;
  measured.NoteSave(1);
  EXPECT_TRUE(limit.IsOverAt(kStart + seconds(600)));
  EXPECT_FALSE(measured.IsOverAt(kStart + seconds(600)));
}

// Otherwise training would continue after an interrupted validation.
TEST(TimeLimitTest, StaysOver) {
  TimeLimit limit(kStart + seconds(1000), int64_t{10} << 30);
  EXPECT_TRUE(limit.IsOverAt(kStart + seconds(600)));
  limit.NoteSave(1);
  EXPECT_TRUE(limit.IsOverAt(kStart + seconds(600)));
  EXPECT_TRUE(limit.IsOverAt(kStart));
}

TEST(TimeLimitTest, RemembersALongStepForAWhile) {
  TimeLimit limit(kStart + seconds(100), 0);
  limit.NoteStep(50);
  for (int step = 0; step < 10; ++step) limit.NoteStep(0.1);
  EXPECT_TRUE(TimeLimit(limit).IsOverAt(kStart + seconds(60)));
  for (int step = 0; step < 1000; ++step) limit.NoteStep(0.1);
  EXPECT_FALSE(limit.IsOverAt(kStart + seconds(60)));
}

}  // namespace
}  // namespace wavemt
