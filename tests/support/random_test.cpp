#include "support/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <vector>

namespace wavemt {
namespace {

using testing::ElementsAre;

std::vector<int> Shuffled(int size, uint64_t seed) {
  std::vector<int> items(static_cast<size_t>(size));
  std::iota(items.begin(), items.end(), 0);
  Shuffle(std::span(items), seed);
  return items;
}

// The first outputs of SplitMix64 as used by java.util.SplittableRandom and others.
TEST(DeriveSeedTest, MixesAsSplitMix64) {
  EXPECT_EQ(DeriveSeed(0, {}), 0xE220A8397B1DCDAFULL);
  EXPECT_EQ(DeriveSeed(1234567, {}), 6457827717110365317ULL);
}

TEST(DeriveSeedTest, EveryUseGetsItsOwnSeed) {
  std::set<uint64_t> seeds;
  size_t num_uses = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (uint64_t stream = 0; stream < 10; ++stream) {
      seeds.insert(DeriveSeed(seed, {stream}));
      ++num_uses;
      for (uint64_t step = 0; step < 300; ++step) {
        seeds.insert(DeriveSeed(seed, {stream, step}));
        ++num_uses;
      }
    }
  }
  EXPECT_EQ(seeds.size(), num_uses);
}

TEST(DeriveSeedTest, NeighbouringStepsDifferInHalfTheBits) {
  double differing = 0;
  constexpr int kSteps = 1000;
  for (uint64_t step = 0; step < kSteps; ++step) {
    differing += std::popcount(DeriveSeed(1, {2, step}) ^ DeriveSeed(1, {2, step + 1}));
  }
  EXPECT_NEAR(differing / kSteps, 32, 1);
}

// The order given by another implementation of mt19937_64 and Fisher-Yates. It must never change,
// or existing runs could not be resumed.
TEST(ShuffleTest, GivesTheSameOrderForever) {
  EXPECT_THAT(Shuffled(10, 1), ElementsAre(1, 7, 3, 9, 4, 0, 5, 2, 6, 8));
  EXPECT_THAT(Shuffled(10, 2), ElementsAre(9, 4, 6, 1, 7, 0, 2, 5, 3, 8));
}

TEST(ShuffleTest, LosesAndDoublesNothing) {
  for (int size = 0; size < 200; ++size) {
    std::vector<int> items = Shuffled(size, static_cast<uint64_t>(size));
    std::sort(items.begin(), items.end());
    for (int i = 0; i < size; ++i) ASSERT_EQ(items[static_cast<size_t>(i)], i);
  }
}

TEST(ShuffleTest, EveryOrderIsEquallyLikely) {
  std::map<std::vector<int>, int> counts;
  constexpr int kMean = 1000;
  for (uint64_t seed = 0; seed < 24ULL * kMean; ++seed) ++counts[Shuffled(4, seed)];
  ASSERT_EQ(counts.size(), 24);
  // Five standard deviations of a binomial distribution.
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, kMean, 160);
}

}  // namespace
}  // namespace wavemt
