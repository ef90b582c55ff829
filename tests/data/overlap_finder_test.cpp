#include "data/overlap_finder.h"

#include <gtest/gtest.h>

#include <vector>

namespace wavemt {
namespace {

TEST(OverlapFinderTest, CountsHeldOutPairsThatTrainingTextHas) {
  MemoryCorpus held_out;
  held_out.Add(std::vector{1, 2}, std::vector{3});  // Both sides are there, together.
  held_out.Add(std::vector{4}, std::vector{5});     // Both sides, in different pairs.
  held_out.Add(std::vector{6}, std::vector{7, 8});  // The target alone.
  held_out.Add(std::vector{9}, std::vector{9});     // Nothing.
  MemoryCorpus train;
  for (int times = 0; times < 3; ++times) train.Add(std::vector{1, 2}, std::vector{3});
  train.Add(std::vector{4}, std::vector{7, 8});
  MemoryCorpus more;
  more.Add(std::vector{40}, std::vector{5});
  more.Add(std::vector{2, 1}, std::vector{3, 3});

  OverlapFinder finder;
  finder.AddHeldOut("test", {.corpus = held_out});
  finder.Look({.corpus = train}, 1);
  finder.Look({.corpus = more}, 1);
  const std::vector<Overlap> overlaps = finder.Overlaps();
  ASSERT_EQ(overlaps.size(), 1);
  EXPECT_EQ(overlaps[0].name, "test");
  EXPECT_EQ(overlaps[0].pairs, 4);
  EXPECT_EQ(overlaps[0].both, 1);
  EXPECT_EQ(overlaps[0].sources, 2);
  EXPECT_EQ(overlaps[0].targets, 3);
}

TEST(OverlapFinderTest, TagsDoNotCount) {
  MemoryCorpus held_out;
  held_out.Add(std::vector{50, 1, 2}, std::vector{3});
  MemoryCorpus train;
  train.Add(std::vector{60, 61, 1, 2}, std::vector{3});
  OverlapFinder finder;
  finder.AddHeldOut("test", {.corpus = held_out, .num_tags = 1});
  finder.Look({.corpus = train, .num_tags = 2}, 1);
  EXPECT_EQ(finder.Overlaps()[0].both, 1);
}

// More pairs than a thread takes at once.
TEST(OverlapFinderTest, TheNumberOfThreadsChangesNothing) {
  MemoryCorpus train;
  for (int i = 0; i < 250'000; ++i) train.Add(std::vector{i}, std::vector{-i});
  MemoryCorpus held_out;
  for (const int i : {0, 99'999, 100'000, 249'999, 250'000}) {
    held_out.Add(std::vector{i}, std::vector{-i});
  }
  for (const int num_threads : {1, 2, 7}) {
    OverlapFinder finder;
    finder.AddHeldOut("test", {.corpus = held_out});
    finder.Look({.corpus = train}, num_threads);
    EXPECT_EQ(finder.Overlaps()[0].both, 4);
  }
}

TEST(OverlapFinderTest, EachTextHasItsOwnCounts) {
  MemoryCorpus first;
  first.Add(std::vector{1}, std::vector{2});
  MemoryCorpus second;
  second.Add(std::vector{1}, std::vector{3});
  MemoryCorpus train;
  train.Add(std::vector{1}, std::vector{3});
  OverlapFinder finder;
  finder.AddHeldOut("first", {.corpus = first});
  finder.AddHeldOut("second", {.corpus = second});
  finder.Look({.corpus = train}, 1);
  const std::vector<Overlap> overlaps = finder.Overlaps();
  EXPECT_EQ(overlaps[0].both, 0);
  EXPECT_EQ(overlaps[0].sources, 1);
  EXPECT_EQ(overlaps[1].both, 1);
}

}  // namespace
}  // namespace wavemt
