#include "training/training_clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace wavemt {
namespace {

void Sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

TEST(TrainingClock, PausesDoNotCount) {
  TrainingClock clock;
  clock.Pause();
  const double paused = clock.seconds();
  Sleep();
  EXPECT_EQ(clock.seconds(), paused);
  clock.Pause();  // Once more changes nothing.
  EXPECT_EQ(clock.seconds(), paused);
  clock.Resume();
  Sleep();
  EXPECT_GE(clock.seconds(), paused + 0.02);
}

TEST(TrainingClock, ContinuesFromARestoredTime) {
  TrainingClock clock;
  clock.Pause();
  clock.Restore(1000);
  EXPECT_EQ(clock.seconds(), 1000);
  clock.Resume();
  Sleep();
  clock.Pause();
  clock.CountStep(64);
  // The restored seconds are not of this interval.
  EXPECT_DOUBLE_EQ(clock.EndInterval().seconds_per_step, clock.seconds() - 1000);
  EXPECT_GT(clock.seconds(), 1000);
}

TEST(TrainingClock, AnIntervalIsTheMeanOfItsSteps) {
  TrainingClock clock;
  for (int step = 0; step < 4; ++step) clock.CountStep(100);
  Sleep();
  clock.Pause();
  const double seconds = clock.seconds();
  const TrainingClock::Interval interval = clock.EndInterval();
  EXPECT_DOUBLE_EQ(interval.seconds_per_step, seconds / 4);
  EXPECT_DOUBLE_EQ(interval.tokens_per_second, 400 / seconds);
  EXPECT_DOUBLE_EQ(clock.SecondsFor(10), seconds / 4 * 10);
}

TEST(TrainingClock, KnowsNoSpeedBeforeTheFirstInterval) {
  EXPECT_EQ(TrainingClock().SecondsFor(10), 0);
}

}  // namespace
}  // namespace wavemt
