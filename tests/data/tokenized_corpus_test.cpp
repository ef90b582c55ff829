#include "data/tokenized_corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

namespace wavemt {
namespace {

using testing::ElementsAre;

TEST(MemoryCorpusTest, ReturnsWhatWasAdded) {
  MemoryCorpus corpus;
  EXPECT_EQ(corpus.size(), 0);
  corpus.Add(std::vector{1, 2}, std::vector{3});
  corpus.Add({}, std::vector{4, 5, 6});
  corpus.Add(std::vector{7}, {});
  EXPECT_EQ(corpus.size(), 3);
  EXPECT_THAT(corpus.source(0), ElementsAre(1, 2));
  EXPECT_THAT(corpus.target(0), ElementsAre(3));
  EXPECT_THAT(corpus.source(1), ElementsAre());
  EXPECT_THAT(corpus.target(1), ElementsAre(4, 5, 6));
  EXPECT_THAT(corpus.source(2), ElementsAre(7));
  EXPECT_THAT(corpus.target(2), ElementsAre());
  EXPECT_EQ(corpus.lengths(0).source, 2);
  EXPECT_EQ(corpus.lengths(0).target, 1);
  EXPECT_EQ(corpus.lengths(1).source, 0);
  EXPECT_EQ(corpus.lengths(2).target, 0);
}

TEST(MemoryCorpusTest, ItsChecksumIsThatOfItsPairs) {
  using Pairs = std::vector<std::pair<std::vector<int32_t>, std::vector<int32_t>>>;
  const std::vector<Pairs> different = {
      {},
      {{{1, 2}, {3}}},
      {{{1}, {2, 3}}},
      {{{1, 3}, {2}}},
      {{{1, 2}, {3}}, {{1, 2}, {4}}},
      {{{1, 2}, {4}}, {{1, 2}, {3}}},
      {{{1, 2}, {3}}, {{}, {}}},
  };
  std::set<uint32_t> checksums;
  for (int round = 0; round < 2; ++round) {
    for (const Pairs& pairs : different) {
      MemoryCorpus corpus;
      for (const auto& [source, target] : pairs) corpus.Add(source, target);
      checksums.insert(corpus.checksum());
    }
  }
  EXPECT_EQ(checksums.size(), different.size());
}

}  // namespace
}  // namespace wavemt
