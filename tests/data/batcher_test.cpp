#include "data/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "../support/thrown_error.h"
#include "support/checksum.h"

namespace wavemt {
namespace {

constexpr int kLongest = 40;

// The tokens of pair i are all i, to identify it. Short sentences are more frequent, as in a
// corpus.
MemoryCorpus RandomCorpus(int pairs, uint64_t seed) {
  std::mt19937_64 generator(seed);
  MemoryCorpus corpus;
  for (int i = 0; i < pairs; ++i) {
    const size_t source = 1 + generator() % (1 + generator() % kLongest);
    const size_t target = std::min<size_t>(kLongest, 1 + (source * (20 + generator() % 180)) / 100);
    corpus.Add(std::vector<int32_t>(source, i), std::vector<int32_t>(target, i));
  }
  return corpus;
}

// Pairs whose sides have similar lengths, as in closely related languages.
MemoryCorpus CorpusOfRelatedLanguages(int pairs, uint64_t seed) {
  std::mt19937_64 generator(seed);
  MemoryCorpus corpus;
  for (int i = 0; i < pairs; ++i) {
    const uint64_t length = 3 + generator() % 10 + generator() % 15 + generator() % 15;
    const uint64_t source = length - generator() % 3;
    const uint64_t target = length - generator() % 3;
    corpus.Add(std::vector<int32_t>(source, i), std::vector<int32_t>(target, i));
  }
  return corpus;
}

// A few sentences are a hundred times as long as the others, on one side or both.
MemoryCorpus CorpusOfUnevenLengths(int pairs, uint64_t seed) {
  std::mt19937_64 generator(seed);
  const auto length = [&] {
    const uint64_t longest = generator() % 100 < 95 ? 30 : 3000;
    return 1 + generator() % longest;
  };
  MemoryCorpus corpus;
  for (int i = 0; i < pairs; ++i) {
    const uint64_t source = length();
    const uint64_t target = length();
    corpus.Add(std::vector<int32_t>(source, i), std::vector<int32_t>(target, i));
  }
  return corpus;
}

Batcher::Options Options(int64_t batch_tokens, uint64_t seed = 1) {
  const SpecialTokens special = {.pad = -1, .unk = -2, .bos = -3, .eos = -4};
  return {.batch_tokens = batch_tokens,
          .seed = seed,
          .source_special = special,
          .target_special = special};
}

// The pairs of each batch, in the order of the pass.
std::vector<std::vector<uint32_t>> BatchesOf(const BatchPlan& plan) {
  std::vector<std::vector<uint32_t>> batches;
  for (int64_t i = 0; i < plan.size(); ++i) {
    const auto pairs = plan.pairs(i);
    batches.emplace_back(pairs.begin(), pairs.end());
  }
  return batches;
}

PairLengths LongestOf(const MemoryCorpus& corpus, const std::vector<uint32_t>& batch) {
  PairLengths longest;
  for (const uint32_t pair : batch) {
    longest.source = std::max(longest.source, corpus.lengths(pair).source + 1);
    longest.target = std::max(longest.target, corpus.lengths(pair).target + 1);
  }
  return longest;
}

// Of all pairs of rows that share a batch in `plan`, the share that does in `other` too.
double ShareOfRowsThatMeetAgain(const BatchPlan& plan, const BatchPlan& other) {
  std::map<uint32_t, int64_t> batch_of;
  for (int64_t i = 0; i < other.size(); ++i) {
    for (const uint32_t pair : other.pairs(i)) batch_of[pair] = i;
  }
  int64_t together = 0;
  int64_t again = 0;
  for (const auto& batch : BatchesOf(plan)) {
    for (size_t i = 0; i < batch.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        ++together;
        again += batch_of[batch[i]] == batch_of[batch[j]] ? 1 : 0;
      }
    }
  }
  return static_cast<double>(again) / static_cast<double>(together);
}

// The pairs of a batch of RandomCorpus().
std::vector<int64_t> PairsOf(const Batch& batch) {
  std::vector<int64_t> pairs;
  for (int64_t row = 0; row < batch.rows; ++row) {
    pairs.push_back(batch.source[static_cast<size_t>(row * batch.source_length)]);
  }
  return pairs;
}

TEST(PlanBatchesTest, HoldsEveryPairOnce) {
  std::mt19937_64 generator(1);
  for (int trial = 0; trial < 100; ++trial) {
    const int pairs = 1 + static_cast<int>(generator() % 300);
    const MemoryCorpus corpus = RandomCorpus(pairs, generator());
    std::vector<int> seen(static_cast<size_t>(pairs), 0);
    for (const auto& batch : BatchesOf(PlanBatches(corpus, 1 + generator() % 500, generator()))) {
      ASSERT_FALSE(batch.empty());
      for (const uint32_t pair : batch) ++seen[pair];
    }
    ASSERT_EQ(std::count(seen.begin(), seen.end(), 1), pairs);
  }
}

TEST(PlanBatchesTest, KeepsTheTokenBudgetOfBothSides) {
  std::mt19937_64 generator(2);
  for (int trial = 0; trial < 100; ++trial) {
    const MemoryCorpus corpus = RandomCorpus(200, generator());
    const int64_t budget = 1 + static_cast<int64_t>(generator() % 500);
    Batcher batcher(corpus, Options(budget, generator()));
    for (int64_t i = batcher.batches_per_epoch(); i > 0; --i) {
      const Batch batch = batcher.Next();
      if (batch.rows == 1) continue;  // A pair over the budget is still included.
      ASSERT_LE(batch.rows * batch.target_length, budget);
      ASSERT_LE(batch.rows * batch.source_length, 2 * budget);
    }
  }
}

TEST(PlanBatchesTest, KeepsTheBudgetForUnevenLengths) {
  for (const int64_t budget : {1, 50, 700, 10'000}) {
    const MemoryCorpus corpus = CorpusOfUnevenLengths(1000, 3);
    std::set<uint32_t> seen;
    for (const auto& batch : BatchesOf(PlanBatches(corpus, budget, 1))) {
      ASSERT_FALSE(batch.empty());
      for (const uint32_t pair : batch) ASSERT_TRUE(seen.insert(pair).second);
      if (batch.size() == 1) continue;
      const PairLengths longest = LongestOf(corpus, batch);
      ASSERT_LE(static_cast<int64_t>(batch.size()) * longest.target, budget);
      ASSERT_LE(static_cast<int64_t>(batch.size()) * longest.source, 2 * budget);
    }
    ASSERT_EQ(seen.size(), 1000);
  }
}

TEST(PlanBatchesTest, APairOverTheBudgetIsABatchOfItsOwn) {
  MemoryCorpus corpus = CorpusOfRelatedLanguages(300, 1);
  corpus.Add(std::vector<int32_t>(10, 1), std::vector<int32_t>(5000, 1));
  corpus.Add(std::vector<int32_t>(5000, 1), std::vector<int32_t>(10, 1));
  corpus.Add(std::vector<int32_t>(5000, 1), std::vector<int32_t>(5000, 1));
  corpus.Add(std::vector<int32_t>(5000, 1), std::vector<int32_t>(5000, 1));
  std::set<uint32_t> alone;
  for (const auto& batch : BatchesOf(PlanBatches(corpus, 500, 1))) {
    if (batch.size() == 1) alone.insert(batch[0]);
  }
  EXPECT_EQ(alone, (std::set<uint32_t>{300, 301, 302, 303}));
}

TEST(PlanBatchesTest, FillsAllBatchesButTheLastTwo) {
  for (const uint64_t seed : {1, 2, 3}) {
    const MemoryCorpus corpus = CorpusOfRelatedLanguages(5000, seed);
    const BatchPlan plan = PlanBatches(corpus, 1000, seed);
    int not_full = 0;
    for (const auto& batch : BatchesOf(plan)) {
      const auto rows = static_cast<int64_t>(batch.size());
      const PairLengths longest = LongestOf(corpus, batch);
      // The next pair may have been longer, so slightly more than one row may be free.
      not_full += (rows + 3) * longest.target <= 1000 ? 1 : 0;
      EXPECT_GE(rows * longest.target, 450);
    }
    EXPECT_LE(not_full, 2);
    EXPECT_GT(FillShare(corpus, plan, 1000), 0.96);
    EXPECT_LT(PaddingShare(corpus, plan), 0.03);
  }
}

// The loss is a mean over a batch's tokens, so if batches of long sentences were emptier than
// others, the tokens of long sentences would have more weight.
TEST(PlanBatchesTest, FillsBatchesOfShortAndLongPairsEqually) {
  for (const uint64_t seed : {1, 2, 3}) {
    const MemoryCorpus corpus = CorpusOfRelatedLanguages(5000, seed);
    std::vector<std::pair<int64_t, int64_t>> batches;  // The longest target; all target tokens.
    for (const auto& batch : BatchesOf(PlanBatches(corpus, 1000, seed))) {
      int64_t tokens = 0;
      for (const uint32_t pair : batch) tokens += corpus.lengths(pair).target + 1;
      batches.emplace_back(LongestOf(corpus, batch).target, tokens);
    }
    std::sort(batches.begin(), batches.end());
    for (size_t quarter = 0; quarter < 4; ++quarter) {
      const size_t begin = batches.size() * quarter / 4;
      const size_t end = batches.size() * (quarter + 1) / 4;
      double tokens = 0;
      for (size_t i = begin; i < end; ++i) tokens += static_cast<double>(batches[i].second);
      EXPECT_GT(tokens / static_cast<double>(end - begin), 920) << quarter;
    }
  }
}

TEST(PlanBatchesTest, TheLastTwoBatchesShareTheRemainder) {
  MemoryCorpus corpus;
  for (int i = 0; i < 9; ++i) corpus.Add(std::vector{1, 2, 3}, std::vector{1, 2, 3});
  // Four pairs fit a batch.
  std::multiset<size_t> sizes;
  for (const auto& batch : BatchesOf(PlanBatches(corpus, 16, 1))) sizes.insert(batch.size());
  EXPECT_EQ(sizes, (std::multiset<size_t>{2, 3, 4}));
}

TEST(PlanBatchesTest, AnUnlimitedBudgetGivesOneBatch) {
  const MemoryCorpus corpus = RandomCorpus(100, 1);
  EXPECT_EQ(PlanBatches(corpus, INT64_MAX, 1).size(), 1);
}

TEST(PlanBatchesTest, AnEmptyCorpusHasNoBatch) {
  EXPECT_EQ(PlanBatches(MemoryCorpus(), 100, 1).size(), 0);
}

TEST(PlanBatchesTest, TheSeedDeterminesBatchesAndTheirOrder) {
  const MemoryCorpus corpus = RandomCorpus(500, 1);
  auto first = BatchesOf(PlanBatches(corpus, 200, 1));
  auto second = BatchesOf(PlanBatches(corpus, 200, 2));
  EXPECT_EQ(first, BatchesOf(PlanBatches(corpus, 200, 1)));
  const auto as_sets = [](const std::vector<std::vector<uint32_t>>& batches) {
    std::set<std::set<uint32_t>> sets;
    for (const auto& batch : batches) sets.emplace(batch.begin(), batch.end());
    return sets;
  };
  EXPECT_NE(as_sets(first), as_sets(second));
  // The batches are not sorted by length.
  EXPECT_NE(corpus.source(first[0][0]).size(), corpus.source(second[0][0]).size());
}

// No two pairs have the same lengths here, so pairs of different lengths must change batches.
TEST(PlanBatchesTest, TheNextPassCombinesOtherPairs) {
  MemoryCorpus corpus;
  for (size_t source = 1; source <= 60; ++source) {
    for (size_t target = std::max<size_t>(source, 11) - 10; target <= source + 10; ++target) {
      corpus.Add(std::vector<int32_t>(source, 1), std::vector<int32_t>(target, 1));
    }
  }
  for (const uint64_t seed : {1, 2, 3}) {
    const double again = ShareOfRowsThatMeetAgain(PlanBatches(corpus, 1000, seed),
                                                  PlanBatches(corpus, 1000, seed + 1));
    EXPECT_LT(again, 0.7);
    // Some do, because only pairs of similar lengths can share a batch.
    EXPECT_GT(again, 0.1);
  }
}

// Checkpoints refer to batches by number, so builds by other compilers must make the same plan.
TEST(PlanBatchesTest, ThePlanHasNotChanged) {
  MemoryCorpus corpus;
  for (int i = 0; i < 2000; ++i) {
    const auto length = static_cast<size_t>(i * 37 % 41 + i % 7 + 1);
    corpus.Add(std::vector<int32_t>(length, 1), std::vector<int32_t>(length + i % 3, 1));
  }
  Crc32 checksum;
  for (const auto& batch : BatchesOf(PlanBatches(corpus, 600, 1))) {
    const auto rows = static_cast<uint32_t>(batch.size());
    checksum.Add(&rows, sizeof(rows));
    checksum.Add(batch.data(), batch.size() * sizeof(batch[0]));
  }
  EXPECT_EQ(checksum.Hex(), "3306e6c9");
}

TEST(PlanBatchesTest, GroupsPairsOfSimilarLengths) {
  for (const uint64_t seed : {1, 2, 3}) {
    const MemoryCorpus corpus = RandomCorpus(5000, seed);
    EXPECT_LT(PaddingShare(corpus, PlanBatches(corpus, 500, seed)), 0.10);
  }
}

TEST(PaddingShareTest, IsTheShareOfPadding) {
  MemoryCorpus corpus;
  corpus.Add(std::vector{1}, std::vector{1, 2, 3});
  corpus.Add(std::vector{1, 2, 3}, std::vector{1});
  // One batch of two rows with four positions per side; 2 + 4 + 4 + 2 tokens with </s>.
  EXPECT_DOUBLE_EQ(PaddingShare(corpus, PlanBatches(corpus, 8, 1)), 1 - 12.0 / 16.0);
  // One batch per pair, so no padding.
  EXPECT_EQ(PaddingShare(corpus, PlanBatches(corpus, 4, 1)), 0);
  EXPECT_EQ(PaddingShare(MemoryCorpus(), PlanBatches(MemoryCorpus(), 8, 1)), 0);
}

TEST(PaddingShareTest, IsThatOfTheBatches) {
  const MemoryCorpus corpus = RandomCorpus(300, 4);
  Batcher batcher(corpus, Options(150));
  const double share = PaddingShare(corpus, batcher.plan());
  double positions = 0;
  double padding = 0;
  for (int64_t i = batcher.batches_per_epoch(); i > 0; --i) {
    const Batch batch = batcher.Next();
    positions += static_cast<double>(batch.source.size() + batch.labels.size());
    padding +=
        static_cast<double>(std::count(batch.source.begin(), batch.source.end(), -1) +
                            std::count(batch.labels.begin(), batch.labels.end(), kIgnoredLabel));
  }
  EXPECT_DOUBLE_EQ(share, padding / positions);
}

TEST(FillShareTest, IsTheMeanShareOfTargetTokensInABatch) {
  MemoryCorpus corpus;
  corpus.Add(std::vector{1}, std::vector{1, 2, 3});
  corpus.Add(std::vector{1, 2, 3}, std::vector{1});
  // One batch: 4 + 2 target tokens with </s>.
  EXPECT_DOUBLE_EQ(FillShare(corpus, PlanBatches(corpus, 8, 1), 8), 6.0 / 8.0);
  // One batch per pair, with 4 and 2 tokens.
  EXPECT_DOUBLE_EQ(FillShare(corpus, PlanBatches(corpus, 4, 1), 4), (1.0 + 0.5) / 2);
  // No pair fits the budget, so all batches count as full.
  EXPECT_EQ(FillShare(corpus, PlanBatches(corpus, 1, 1), 1), 1);
  EXPECT_EQ(FillShare(MemoryCorpus(), PlanBatches(MemoryCorpus(), 8, 1), 8), 0);
}

TEST(BatcherTest, GivesEveryPairOncePerEpochInANewOrder) {
  const MemoryCorpus corpus = RandomCorpus(200, 5);
  Batcher batcher(corpus, Options(100));
  std::set<std::vector<int64_t>> orders;
  for (int epoch = 0; epoch < 5; ++epoch) {
    std::vector<int64_t> order;
    for (int64_t i = batcher.batches_per_epoch(); i > 0; --i) {
      EXPECT_EQ(batcher.position().epoch, epoch);
      for (const int64_t pair : PairsOf(batcher.Next())) order.push_back(pair);
    }
    orders.insert(order);
    std::sort(order.begin(), order.end());
    ASSERT_EQ(order.size(), 200);
    for (int64_t i = 0; i < 200; ++i) ASSERT_EQ(order[static_cast<size_t>(i)], i);
  }
  EXPECT_EQ(orders.size(), 5);
}

TEST(BatcherTest, TheSameSeedGivesTheSameBatches) {
  const MemoryCorpus corpus = RandomCorpus(200, 6);
  Batcher one(corpus, Options(100, 7));
  Batcher same(corpus, Options(100, 7));
  Batcher other(corpus, Options(100, 8));
  int differing = 0;
  for (int i = 0; i < 100; ++i) {
    const auto pairs = PairsOf(one.Next());
    ASSERT_EQ(PairsOf(same.Next()), pairs);
    differing += PairsOf(other.Next()) == pairs ? 0 : 1;
  }
  EXPECT_GT(differing, 90);
}

TEST(BatcherTest, ThePositionAdvancesToTheNextEpoch) {
  const MemoryCorpus corpus = RandomCorpus(50, 7);
  Batcher batcher(corpus, Options(100));
  const int64_t batches = batcher.batches_per_epoch();
  for (int64_t i = 0; i < batches; ++i) {
    EXPECT_EQ(batcher.position(), (DataPosition{.epoch = 0, .batch = i}));
    batcher.Next();
  }
  EXPECT_EQ(batcher.position(), (DataPosition{.epoch = 1, .batch = 0}));
}

TEST(BatcherTest, SeekContinuesExactlyFromEveryPosition) {
  const MemoryCorpus corpus = RandomCorpus(60, 8);
  Batcher batcher(corpus, Options(100));
  std::vector<DataPosition> positions;
  std::vector<std::vector<int64_t>> batches;
  while (batcher.position().epoch < 4) {
    positions.push_back(batcher.position());
    batches.push_back(PairsOf(batcher.Next()));
  }
  Batcher used(corpus, Options(100));
  for (size_t start = positions.size(); start-- > 0;) {
    Batcher fresh(corpus, Options(100));
    fresh.Seek(positions[start]);
    used.Seek(positions[start]);
    for (size_t i = start; i < positions.size(); ++i) {
      ASSERT_EQ(PairsOf(fresh.Next()), batches[i]) << "from batch " << start;
      ASSERT_EQ(PairsOf(used.Next()), batches[i]) << "from batch " << start;
    }
  }
}

TEST(BatcherTest, RefusesAPositionThatIsNotInTheCorpus) {
  const MemoryCorpus corpus = RandomCorpus(1, 9);
  const auto refusal = [&](const DataPosition& position) {
    Batcher batcher(corpus, Options(100));
    return UsageErrorOf([&] { batcher.Seek(position); });
  };
  EXPECT_EQ(refusal({.epoch = 2, .batch = 0}), "no error");
  EXPECT_EQ(refusal({.epoch = 2, .batch = 1}),
            "the data position, batch 1 of epoch 2, is not in this corpus, which has 1 batches an "
            "epoch: it is not the corpus of the checkpoint");
  EXPECT_NE(refusal({.epoch = 0, .batch = -1}), "no error");
}

}  // namespace
}  // namespace wavemt
