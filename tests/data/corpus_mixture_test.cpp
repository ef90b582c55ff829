#include "data/corpus_mixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "data/batcher.h"

namespace wavemt {
namespace {

using testing::HasSubstr;

// The tokens of pair i are all `first` + i.
std::unique_ptr<const TokenizedCorpus> CorpusOf(int pairs, int first) {
  auto corpus = std::make_unique<MemoryCorpus>();
  for (int i = 0; i < pairs; ++i) {
    corpus->Add(std::vector<int32_t>(static_cast<size_t>(1 + i % 5), first + i),
                std::vector<int32_t>(static_cast<size_t>(1 + i % 3), first + i));
  }
  return corpus;
}

CorpusMixture MixtureOf(const std::vector<std::pair<int, double>>& sizes_and_weights,
                        double temperature = 1.0) {
  std::vector<CorpusMixture::Part> parts;
  int first = 0;
  for (const auto& [size, weight] : sizes_and_weights) {
    parts.push_back({.name = std::string(1, static_cast<char>('a' + parts.size())),
                     .corpus = CorpusOf(size, first),
                     .weight = weight});
    first += size;
  }
  return {std::move(parts), temperature};
}

// How often each of the first `epochs` passes takes each pair, all together.
std::map<uint32_t, int> TakenIn(const CorpusMixture& mixture, int64_t epochs) {
  std::map<uint32_t, int> taken;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (const uint32_t pair : mixture.PairsOfEpoch(epoch, /*seed=*/7)) ++taken[pair];
  }
  return taken;
}

TEST(CorpusMixtureTest, IsItsPartsOneAfterTheOther) {
  const CorpusMixture mixture = MixtureOf({{7, 0}, {1, 0}, {5, 0}});
  ASSERT_EQ(mixture.size(), 13);
  for (int pair = 0; pair < 13; ++pair) {
    EXPECT_EQ(mixture.source(pair).front(), pair);
    EXPECT_EQ(mixture.target(pair).front(), pair);
    EXPECT_EQ(mixture.lengths(pair).source, static_cast<int64_t>(mixture.source(pair).size()));
    EXPECT_EQ(mixture.lengths(pair).target, static_cast<int64_t>(mixture.target(pair).size()));
  }
}

TEST(CorpusMixtureTest, WithoutWeightsAPassTakesEachPairOnce) {
  const CorpusMixture mixture = MixtureOf({{7, 0}, {1, 0}, {5, 0}});
  for (const int64_t epoch : {0, 3}) {
    EXPECT_EQ(mixture.PairsOfEpoch(epoch, 1), mixture.TokenizedCorpus::PairsOfEpoch(epoch, 1));
  }
}

TEST(CorpusMixtureTest, WeightsSayHowManyPairsAPassTakes) {
  const CorpusMixture mixture = MixtureOf({{90, 1}, {10, 3}});
  int64_t of_first = 0;
  for (const uint32_t pair : mixture.PairsOfEpoch(0, 1)) of_first += pair < 90 ? 1 : 0;
  EXPECT_EQ(of_first, 25);
  EXPECT_EQ(mixture.PairsOfEpoch(0, 1).size(), 100);
  EXPECT_EQ(mixture.Summary(),
            "an epoch takes 100 pairs: 25 of a (0.28 of it), 75 of b (7.50 of it)");
}

TEST(CorpusMixtureTest, OnlyTheRatioOfWeightsCounts) {
  EXPECT_EQ(MixtureOf({{90, 1}, {10, 3}}).PairsOfEpoch(2, 5),
            MixtureOf({{90, 0.001}, {10, 0.003}}).PairsOfEpoch(2, 5));
}

// 8^(1/3) : 1 = 2 : 1, of 800 + 100 pairs.
TEST(CorpusMixtureTest, ATemperatureFavoursSmallCorpora) {
  EXPECT_THAT(MixtureOf({{800, 0}, {100, 0}}, 3.0).Summary(),
              HasSubstr("600 of a (0.75 of it), 300 of b (3.00 of it)"));
  EXPECT_THAT(MixtureOf({{800, 0}, {100, 0}}, 1e9).Summary(),
              HasSubstr("450 of a (0.56 of it), 450 of b (4.50 of it)"));
}

TEST(CorpusMixtureTest, WeightsMayBeAsLargeAsNumbersAre) {
  EXPECT_THAT(MixtureOf({{50, 1.5e308}, {50, 1.5e308}}).Summary(), HasSubstr("50 of b"));
}

TEST(CorpusMixtureTest, EveryPartHasAShareHoweverSmallItsWeight) {
  EXPECT_THAT(MixtureOf({{100, 1000}, {100, 0.001}}).Summary(), HasSubstr("1 of b"));
}

// Whatever the ratio of what a pass takes to the size of a part.
TEST(CorpusMixtureTest, NoPairIsTakenTwiceBeforeAllOfItsPartAreTakenOnce) {
  const CorpusMixture mixture = MixtureOf({{97, 1}, {10, 2.3}, {3, 0.5}});
  for (int64_t epochs = 1; epochs <= 30; ++epochs) {
    const std::map<uint32_t, int> taken = TakenIn(mixture, epochs);
    uint32_t begin = 0;
    for (const uint32_t size : {97U, 10U, 3U}) {
      int least = 1 << 30;
      int most = 0;
      for (uint32_t pair = begin; pair < begin + size; ++pair) {
        const auto found = taken.find(pair);
        const int times = found == taken.end() ? 0 : found->second;
        least = std::min(least, times);
        most = std::max(most, times);
      }
      EXPECT_LE(most - least, 1) << epochs << " passes, the part of " << size;
      begin += size;
    }
  }
}

TEST(CorpusMixtureTest, APassDependsOnItsNumberAndTheSeedOnly) {
  const CorpusMixture mixture = MixtureOf({{97, 1}, {10, 2}});
  const auto third = mixture.PairsOfEpoch(3, 1);
  mixture.PairsOfEpoch(0, 1);
  EXPECT_EQ(mixture.PairsOfEpoch(3, 1), third);
  EXPECT_NE(mixture.PairsOfEpoch(3, 2), third);
  EXPECT_NE(mixture.PairsOfEpoch(4, 1), third);
}

TEST(CorpusMixtureTest, ABatcherGoesOnWhereAnotherOneStopped) {
  const CorpusMixture mixture = MixtureOf({{300, 1}, {20, 1}, {55, 0.2}});
  const Batcher::Options options = {
      .batch_tokens = 40, .seed = 5, .source_special = {}, .target_special = {}};
  Batcher whole(mixture, options);
  std::vector<std::vector<int64_t>> sources;
  std::vector<DataPosition> positions;
  while (whole.position().epoch < 4) {
    positions.push_back(whole.position());
    sources.push_back(whole.Next().source);
  }
  for (size_t i = 0; i < positions.size(); i += 17) {
    Batcher resumed(mixture, options);
    resumed.Seek(positions[i]);
    for (size_t j = i; j < std::min(i + 20, sources.size()); ++j) {
      ASSERT_EQ(resumed.Next().source, sources[j]);
    }
  }
}

TEST(CorpusMixtureTest, TheWeightsOfAPartsSentencesHaveAMeanOfOne) {
  auto weighted = std::make_unique<MemoryCorpus>();
  weighted->Add(std::vector{1}, std::vector{1}, 1.0F);
  weighted->Add(std::vector{2}, std::vector{2}, 0.5F);
  std::vector<CorpusMixture::Part> parts;
  parts.push_back({.name = "weighted", .corpus = std::move(weighted)});
  parts.push_back({.name = "plain", .corpus = CorpusOf(1, 3)});
  const CorpusMixture mixture(std::move(parts), 1.0);
  EXPECT_TRUE(mixture.has_weights());
  EXPECT_FLOAT_EQ(mixture.weight(0), 4.0F / 3);
  EXPECT_FLOAT_EQ(mixture.weight(1), 2.0F / 3);
  EXPECT_FLOAT_EQ(mixture.weight(2), 1.0F);
  EXPECT_FALSE(MixtureOf({{2, 0}, {1, 0}}).has_weights());
}

TEST(CorpusMixtureTest, TheChecksumIsThatOfTextAndShares) {
  const auto checksum = [](const std::vector<std::pair<int, double>>& parts, double temperature) {
    return MixtureOf(parts, temperature).checksum();
  };
  EXPECT_EQ(checksum({{90, 1}, {10, 3}}, 1), checksum({{90, 2}, {10, 6}}, 1));
  EXPECT_NE(checksum({{90, 1}, {10, 3}}, 1), checksum({{90, 1}, {10, 2}}, 1));
  EXPECT_NE(checksum({{90, 0}, {10, 0}}, 1), checksum({{90, 0}, {10, 0}}, 2));
  EXPECT_NE(checksum({{90, 0}, {10, 0}}, 1), checksum({{90, 0}, {11, 0}}, 1));
  // A name makes no other text.
  EXPECT_EQ(checksum({{90, 0}}, 1), CorpusOf(90, 0)->checksum());
}

}  // namespace
}  // namespace wavemt
