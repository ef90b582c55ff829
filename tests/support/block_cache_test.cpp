#include "support/block_cache.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "support/memory.h"

namespace wavemt {
namespace {

constexpr size_t kMegabyte = 1 << 20;

// Takes blocks of these sizes, and gives all of them back.
void UseAtOnce(BlockCache* cache, const std::vector<size_t>& sizes) {
  std::vector<std::span<std::byte>> blocks;
  for (const size_t size : sizes) blocks.push_back(cache->TakeNew(size));
  for (const auto block : blocks) cache->Return(block);
}

TEST(BlockCache, GivesWholeBlocksThatCanBeWritten) {
  BlockCache cache;
  for (const size_t size : {size_t{1}, kMegabyte, 2 * kMegabyte, 5 * kMegabyte + 1}) {
    const auto block = cache.TakeNew(size);
    ASSERT_GE(block.size(), size);
    std::memset(block.data(), 1, block.size());
    cache.Return(block);
  }
}

TEST(BlockCache, LargeBlocksBeginWithALargePage) {
  BlockCache cache;
  for (int i = 0; i < 5; ++i) {
    const auto block = cache.TakeNew(3 * kMegabyte);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.data()) % (2 * kMegabyte), 0U);
    cache.Return(block);
  }
}

TEST(BlockCache, ABlockComesBackForWhatIsAboutAsLarge) {
  BlockCache cache;
  EXPECT_TRUE(cache.TakeKept(10 * kMegabyte).empty());
  const auto block = cache.TakeNew(10 * kMegabyte);
  EXPECT_TRUE(cache.TakeKept(10 * kMegabyte).empty());
  cache.Return(block);
  EXPECT_EQ(cache.kept_bytes(), block.size());
  EXPECT_TRUE(cache.TakeKept(block.size() + 1).empty());
  EXPECT_TRUE(cache.TakeKept(8 * kMegabyte).empty());
  EXPECT_EQ(cache.TakeKept(9 * kMegabyte).data(), block.data());
  EXPECT_EQ(cache.kept_bytes(), 0U);
  cache.Return(block);
}

TEST(BlockCache, TakesTheSmallestThatFitsAndOfSeveralTheNewest) {
  BlockCache cache;
  const auto large = cache.TakeNew(34 * kMegabyte);
  const auto first = cache.TakeNew(32 * kMegabyte);
  const auto second = cache.TakeNew(32 * kMegabyte);
  for (const auto block : {first, second, large}) cache.Return(block);
  EXPECT_EQ(cache.TakeKept(32 * kMegabyte).data(), second.data());
  EXPECT_EQ(cache.TakeKept(32 * kMegabyte).data(), first.data());
  EXPECT_EQ(cache.TakeKept(32 * kMegabyte).data(), large.data());
  for (const auto block : {first, second, large}) cache.Return(block);
}

TEST(BlockCache, KeepsAQuarterMoreThanWasInUseAtOnce) {
  BlockCache cache;
  UseAtOnce(&cache, {40 * kMegabyte, 40 * kMegabyte});
  EXPECT_EQ(cache.kept_bytes(), 80 * kMegabyte);
  UseAtOnce(&cache, {20 * kMegabyte});  // 100 MB together, which is just allowed.
  EXPECT_EQ(cache.kept_bytes(), 100 * kMegabyte);
  UseAtOnce(&cache, {2 * kMegabyte});  // One of the oldest has to go.
  EXPECT_EQ(cache.kept_bytes(), 62 * kMegabyte);
  EXPECT_FALSE(cache.TakeKept(20 * kMegabyte).empty());
}

TEST(BlockCache, ReleaseReturnsThePagesToTheSystem) {
  BlockCache cache;
  const auto block = cache.TakeNew(64 * kMegabyte);
  std::memset(block.data(), 1, block.size());
  const auto in_use = MeasureProcessMemory();
  cache.Return(block);
  cache.Release();
  const auto after = MeasureProcessMemory();
  ASSERT_TRUE(in_use && after);
  EXPECT_GT(in_use->anonymous - after->anonymous, 60 << 20);
  EXPECT_EQ(cache.kept_bytes(), 0U);
  EXPECT_TRUE(cache.TakeKept(64 * kMegabyte).empty());
}

TEST(BlockCache, SaysSoIfThereIsNoMemoryLeft) {
  BlockCache cache;
  UseAtOnce(&cache, {kMegabyte});
  EXPECT_THROW(cache.TakeNew(size_t{1} << 60), std::bad_alloc);
  EXPECT_EQ(cache.kept_bytes(), 0U);  // It tried without them.
  UseAtOnce(&cache, {kMegabyte});
}

TEST(BlockCache, ServesSeveralThreads) {
  BlockCache cache;
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&cache, number] {
      for (size_t round = 0; round < 500; ++round) {
        const size_t size = (1 + round % 3) * kMegabyte;
        auto block = cache.TakeKept(size);
        if (block.empty()) block = cache.TakeNew(size);
        std::memset(block.data(), number, 100);
        for (const std::byte byte : block.first(100)) ASSERT_EQ(byte, std::byte(number));
        cache.Return(block);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace wavemt
