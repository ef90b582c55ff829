#include "data/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr SpecialTokens kSource = {.pad = 90, .unk = 91, .bos = 92, .eos = 93};
constexpr SpecialTokens kTarget = {.pad = 80, .unk = 81, .bos = 82, .eos = 83};
constexpr int64_t kNone = kIgnoredLabel;

MemoryCorpus SmallCorpus() {
  MemoryCorpus corpus;
  corpus.Add(std::vector{11, 12, 13}, std::vector{21});
  corpus.Add(std::vector{14}, std::vector{22, 23});
  corpus.Add(std::vector{15, 16, 17, 18}, std::vector{24, 25, 26, 27});
  return corpus;
}

TEST(MakeBatchTest, PadsToTheLongestOfTheRowsChosen) {
  const std::vector<uint32_t> rows = {1, 0};
  const Batch batch = MakeBatch(SmallCorpus(), rows, kSource, kTarget);
  EXPECT_EQ(batch.rows, 2);
  EXPECT_EQ(batch.source_length, 4);
  EXPECT_EQ(batch.target_length, 3);
  EXPECT_THAT(batch.source, ElementsAre(14, 93, 90, 90,  //
                                        11, 12, 13, 93));
}

TEST(MakeBatchTest, LabelsAreTheInputsShiftedByOne) {
  const std::vector<uint32_t> rows = {1, 0};
  const Batch batch = MakeBatch(SmallCorpus(), rows, kSource, kTarget);
  EXPECT_THAT(batch.target_input, ElementsAre(82, 22, 23,  //
                                              82, 21, 80));
  EXPECT_THAT(batch.labels, ElementsAre(22, 23, 83,  //
                                        21, 83, kNone));
}

TEST(MakeBatchTest, CountsTokensWithTheEndAndWithoutPadding) {
  const std::vector<uint32_t> rows = {1, 0};
  const Batch batch = MakeBatch(SmallCorpus(), rows, kSource, kTarget);
  EXPECT_THAT(batch.source_lengths, ElementsAre(2, 4));
  EXPECT_THAT(batch.target_lengths, ElementsAre(3, 2));
  EXPECT_EQ(batch.source_tokens, 6);
  EXPECT_EQ(batch.target_tokens, 5);
}

TEST(MakeBatchTest, TakesARowTwiceAndNoneAtAll) {
  const std::vector<uint32_t> twice = {2, 2};
  const Batch batch = MakeBatch(SmallCorpus(), twice, kSource, kTarget);
  EXPECT_THAT(batch.source, ElementsAre(15, 16, 17, 18, 93, 15, 16, 17, 18, 93));
  EXPECT_THAT(MakeBatch(SmallCorpus(), {}, kSource, kTarget).source, IsEmpty());
}

// A sentence mark can also be the padding, as in models without <pad>.
TEST(MakeBatchTest, LabelsOfPaddingAreIgnoredWhateverThePaddingIs) {
  const std::vector<uint32_t> rows = {1, 0};
  const SpecialTokens special = {.pad = 3, .unk = 1, .bos = 3, .eos = 3};
  const Batch batch = MakeBatch(SmallCorpus(), rows, special, special);
  EXPECT_THAT(batch.target_input, ElementsAre(3, 22, 23, 3, 21, 3));
  EXPECT_THAT(batch.labels, ElementsAre(22, 23, 3, 21, 3, kNone));
}

TEST(BatchTest, HasTheWeightsOfItsPairsIfTheCorpusHasSome) {
  MemoryCorpus corpus;
  corpus.Add(std::vector{11}, std::vector{21});
  const SpecialTokens special;
  const std::vector<uint32_t> first = {0};
  EXPECT_TRUE(MakeBatch(corpus, first, special, special).weights.empty());
  corpus.Add(std::vector{12}, std::vector{22}, 0.5F);
  const std::vector<uint32_t> both = {1, 0};
  EXPECT_EQ(MakeBatch(corpus, both, special, special).weights, (std::vector{0.5F, 1.0F}));
}

}  // namespace
}  // namespace wavemt
