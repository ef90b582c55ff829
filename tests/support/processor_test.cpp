#include "support/processor.h"

#include <gtest/gtest.h>

#include "../support/temporary_folder.h"

namespace wavemt {
namespace {

TEST(ReadProcessor, TakesTheFirstProcessor) {
  const TemporaryFolder folder;
  const auto file = folder.Write("cpuinfo",
                                 "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\n"
                                 "flags\t\t: fpu avx avx2 avx512f avx512_bf16 amx_tile\n\n"
                                 "processor\t: 1\nmodel name\t: Another\nflags\t\t: fpu\n");
  const Processor processor = ReadProcessor(file);
  EXPECT_EQ(processor.model, "Some CPU @ 2.00GHz");
  EXPECT_EQ(processor.instructions,
            (std::vector<std::string>{"AVX2", "AVX-512", "AVX512-BF16", "AMX"}));
  EXPECT_EQ(ProcessorText(processor), "Some CPU @ 2.00GHz, AVX2 AVX-512 AVX512-BF16 AMX");
}

// Of other makers' processors Linux tells no name, and some systems have no such file.
TEST(ReadProcessor, ManagesWithoutWhatIsNotThere) {
  const TemporaryFolder folder;
  const auto arm = folder.Write("cpuinfo", "processor\t: 0\nFeatures\t: fp asimd avx2\n");
  for (const auto& file : {arm, folder.path() / "missing", folder.path()}) {
    EXPECT_EQ(ProcessorText(ReadProcessor(file)), "unknown processor");
  }
}

TEST(NumAllowedProcessors, IsFromOneToAll) {
  EXPECT_GE(NumAllowedProcessors(), 1);
  EXPECT_LE(NumAllowedProcessors(), NumProcessors());
}

}  // namespace
}  // namespace wavemt
