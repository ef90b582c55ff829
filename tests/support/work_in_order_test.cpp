#include "support/work_in_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace wavemt {
namespace {

using testing::ElementsAre;

TEST(WorkInOrderTest, ResultsComeInTheOrderOfTheirPieces) {
  std::vector<int> taken;
  WorkInOrder<int> work(3, [&](const int& result) { taken.push_back(result); });
  for (int i = 0; i < 500; ++i) work.Add([i] { return i; });
  work.Finish();
  std::vector<int> expected(500);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(taken, expected);
}

// The first piece waits for the second, which must therefore be at work as well.
TEST(WorkInOrderTest, EvenOneThreadLeavesTheCallerFree) {
  std::promise<int> second_began;
  std::vector<int> taken;
  WorkInOrder<int> work(1, [&](const int& result) { taken.push_back(result); });
  work.Add([&] { return second_began.get_future().get(); });
  work.Add([&] {
    second_began.set_value(1);
    return 2;
  });
  work.Finish();
  EXPECT_THAT(taken, ElementsAre(1, 2));
}

TEST(WorkInOrderTest, NoMoreThanOneMoreThanThereAreThreadsIsAtWork) {
  std::atomic<int> begun = 0;
  int taken = 0;
  WorkInOrder<int> work(2, [&](const int&) { ++taken; });
  for (int i = 0; i < 50; ++i) {
    work.Add([&] { return ++begun; });
    EXPECT_GE(taken, i + 1 - 3);
  }
}

TEST(WorkInOrderTest, WhatAPieceThrowsReachesTheCaller) {
  WorkInOrder<int> work(2, [](const int&) {});
  work.Add([]() -> int { throw std::runtime_error("piece"); });
  EXPECT_THROW(work.Finish(), std::runtime_error);
}

}  // namespace
}  // namespace wavemt
