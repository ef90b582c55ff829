#include "training/device_batch.h"

#include <gtest/gtest.h>

#include "copy_task.h"

namespace wavemt {
namespace {

Batch BatchOf(const std::vector<std::vector<int32_t>>& sentences) {
  MemoryCorpus corpus;
  std::vector<uint32_t> pairs;
  for (const auto& sentence : sentences) {
    pairs.push_back(static_cast<uint32_t>(corpus.size()));
    corpus.Add(sentence, sentence);
  }
  const SpecialTokens special{.pad = 1, .unk = 0, .bos = 2, .eos = 3};
  return MakeBatch(corpus, pairs, special, special);
}

TEST(DeviceBatch, HoldsIdsLabelsAndMask) {
  const DeviceBatch batch = ToDevice(BatchOf({{7, 8}, {9}}), torch::kCPU);
  EXPECT_TRUE(torch::equal(batch.source, torch::tensor({{7, 8, 3}, {9, 3, 1}}, torch::kLong)));
  EXPECT_TRUE(
      torch::equal(batch.target_input, torch::tensor({{2, 7, 8}, {2, 9, 1}}, torch::kLong)));
  EXPECT_TRUE(torch::equal(batch.labels, torch::tensor({{7, 8, 3}, {9, 3, -100}}, torch::kLong)));
  const auto mask = torch::tensor({{1, 1, 1}, {1, 1, 0}}).to(torch::kBool).view({2, 1, 1, 3});
  EXPECT_TRUE(torch::equal(batch.src_padding_mask, mask));
}

TEST(DeviceBatch, OwnsItsNumbers) {
  DeviceBatch batch;
  {
    Batch host = BatchOf({{7, 8}});
    batch = ToDevice(host, torch::kCPU);
    host.source[0] = 99;
  }
  EXPECT_EQ(batch.source[0][0].item<int64_t>(), 7);
}

TEST(DeviceBatch, HasNoMaskWithoutPadding) {
  EXPECT_FALSE(ToDevice(BatchOf({{7, 8}, {9, 7}}), torch::kCPU).src_padding_mask.defined());
}

}  // namespace
}  // namespace wavemt
