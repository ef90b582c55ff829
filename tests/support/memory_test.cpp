#include "support/memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <string>
#include <vector>

#include "../support/temporary_folder.h"

namespace wavemt {
namespace {

TEST(ParseMemorySize, TakesTheUnitsOfGnusTools) {
  EXPECT_EQ(ParseMemorySize("512"), 512);
  EXPECT_EQ(ParseMemorySize("512B"), 512);
  EXPECT_EQ(ParseMemorySize("3K"), 3 * 1024);
  EXPECT_EQ(ParseMemorySize("3Ki"), 3 * 1024);
  EXPECT_EQ(ParseMemorySize("3KiB"), 3 * 1024);
  EXPECT_EQ(ParseMemorySize("3KB"), 3000);
  EXPECT_EQ(ParseMemorySize("3kb"), 3000);
  EXPECT_EQ(ParseMemorySize("512MB"), 512'000'000);
  EXPECT_EQ(ParseMemorySize("512Mi"), 512LL << 20);
  EXPECT_EQ(ParseMemorySize("8GB"), 8'000'000'000);
  EXPECT_EQ(ParseMemorySize("8G"), 8LL << 30);
  EXPECT_EQ(ParseMemorySize("8 GiB"), 8LL << 30);
  EXPECT_EQ(ParseMemorySize("2t"), 2LL << 40);
  EXPECT_EQ(ParseMemorySize("1.5GB"), 1'500'000'000);
  EXPECT_EQ(ParseMemorySize("0.5K"), 512);
}

TEST(ParseMemorySize, RefusesWhatIsNoSize) {
  for (const std::string text :
       {"",      " ",   "GB",  "-1GB",  "+1GB",  "1e3",  "0x10", "8 GB of it",   "8GBs",  "8X",
        "8Gb/s", "nan", "inf", "1,5GB", "8  GB", " 8GB", "8G ",  "99999999999T", "1..5G", "8ib"}) {
    EXPECT_EQ(ParseMemorySize(text), std::nullopt) << '"' << text << '"';
  }
}

TEST(UseLargePages, ReachesTheEndOfTheHeapAndChangesNothing) {
  const uintptr_t begin = HeapEnd();
  const std::string text(100'000, 'x');  // Too little for the C library to take it from elsewhere.
  const std::vector<std::string> blocks(100, text);
  EXPECT_EQ(UseLargePages(begin), HeapEnd());
  EXPECT_EQ(UseLargePages(HeapEnd()), HeapEnd());
  for (const std::string& block : blocks) EXPECT_EQ(block, text);
}

TEST(MeasureProcessMemory, SeesWhatIsInUse) {
  const auto before = MeasureProcessMemory();
  ASSERT_TRUE(before);
  EXPECT_GT(before->file, 0);
  constexpr size_t kBytes = size_t{64} << 20;
  // Not malloc(), which may reuse pages left over from other tests.
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, kBytes);
  const auto during = MeasureProcessMemory();
  munmap(memory, kBytes);
  const auto after = MeasureProcessMemory();
  EXPECT_GE(during->anonymous - before->anonymous, static_cast<int64_t>(kBytes / 10 * 9));
  EXPECT_LT(after->anonymous - before->anonymous, static_cast<int64_t>(kBytes / 10));
}

TEST(MeasureSystemMemory, CountsKilobytesAsTheKernelDoes) {
  const TemporaryFolder folder;
  const auto file = folder.Write("meminfo",
                                 "MemTotal:       16384 kB\nMemFree: 1 kB\n"
                                 "MemAvailable:    8192 kB\n");
  const auto memory = MeasureSystemMemory(file);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total, 16 << 20);
  EXPECT_EQ(memory->available, 8 << 20);
  EXPECT_FALSE(MeasureSystemMemory(folder.Write("other", "MemTotal: many\n")));
  EXPECT_FALSE(MeasureSystemMemory(folder.path() / "missing"));
}

TEST(LargePagesSetting, IsTheWordInBrackets) {
  const TemporaryFolder folder;
  EXPECT_EQ(LargePagesSetting(folder.Write("enabled", "always [madvise] never\n")), "madvise");
  EXPECT_EQ(LargePagesSetting(folder.Write("odd", "]always[\n")), "");
  EXPECT_EQ(LargePagesSetting(folder.path() / "missing"), "");
}

}  // namespace
}  // namespace wavemt
