#include "training/oversized_batches.h"

#include <gtest/gtest.h>

namespace wavemt {
namespace {

Batch BatchOfSize(int64_t rows, int64_t source_length, int64_t target_length) {
  return {.rows = rows,
          .source_length = source_length,
          .target_length = target_length,
          .source = {},
          .target_input = {},
          .labels = {},
          .source_lengths = {},
          .target_lengths = {},
          .source_tokens = rows * source_length,
          .target_tokens = rows * target_length};
}

TEST(OversizedBatches, ContainsWhatIsAtLeastAsLargeInEveryRespect) {
  OversizedBatches oversized;
  EXPECT_TRUE(oversized.empty());
  EXPECT_FALSE(oversized.Contains(BatchOfSize(10, 20, 30), true));
  oversized.Add(BatchOfSize(10, 20, 30), true);
  EXPECT_FALSE(oversized.empty());
  EXPECT_TRUE(oversized.Contains(BatchOfSize(10, 20, 30), true));
  EXPECT_TRUE(oversized.Contains(BatchOfSize(11, 21, 31), true));
  EXPECT_FALSE(oversized.Contains(BatchOfSize(9, 200, 300), true));
  EXPECT_FALSE(oversized.Contains(BatchOfSize(100, 19, 300), true));
  EXPECT_FALSE(oversized.Contains(BatchOfSize(100, 200, 29), true));
}

TEST(OversizedBatches, PaddingCounts) {
  OversizedBatches oversized;
  Batch padded = BatchOfSize(10, 20, 30);
  padded.source_tokens -= 1;
  oversized.Add(padded, true);
  EXPECT_FALSE(oversized.Contains(BatchOfSize(10, 20, 30), true));  // Needs no mask.
  Batch fewer_labels = padded;
  fewer_labels.target_tokens -= 1;
  EXPECT_FALSE(oversized.Contains(fewer_labels, true));
  EXPECT_TRUE(oversized.Contains(padded, true));
}

TEST(OversizedBatches, LaterBatchesOfAnUpdateHaveLessMemory) {
  OversizedBatches oversized;
  oversized.Add(BatchOfSize(10, 20, 30), false);
  EXPECT_FALSE(oversized.Contains(BatchOfSize(10, 20, 30), true));
  EXPECT_TRUE(oversized.Contains(BatchOfSize(10, 20, 30), false));
  oversized.Add(BatchOfSize(5, 5, 5), true);
  EXPECT_TRUE(oversized.Contains(BatchOfSize(5, 5, 5), false));
  EXPECT_TRUE(oversized.Contains(BatchOfSize(10, 20, 30), true));
}

}  // namespace
}  // namespace wavemt
