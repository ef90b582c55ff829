#include "data/batch_halves.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <vector>

#include "same_batch.h"

namespace wavemt {
namespace {

constexpr SpecialTokens kSpecial{.pad = 1, .unk = 0, .bos = 2, .eos = 3};

MemoryCorpus CorpusOfShortSentences(int64_t pairs, uint64_t seed) {
  std::mt19937_64 generator(seed);
  MemoryCorpus corpus;
  const auto sentence = [&] {
    std::vector<int32_t> ids(1 + generator() % 9);
    for (int32_t& id : ids) id = static_cast<int32_t>(4 + generator() % 90);
    return ids;
  };
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const auto source = sentence();
    corpus.Add(source, sentence());
  }
  return corpus;
}

TEST(BatchHalves, AreTheBatchesOfTheirPairs) {
  for (uint32_t rows = 2; rows <= 9; ++rows) {
    const MemoryCorpus corpus = CorpusOfShortSentences(rows, rows);
    std::vector<uint32_t> pairs(rows);
    std::iota(pairs.begin(), pairs.end(), 0U);
    const std::span<const uint32_t> all = pairs;
    const auto [first, second] = Halves(MakeBatch(corpus, all, kSpecial, kSpecial));
    ExpectSame(first, MakeBatch(corpus, all.first(rows / 2), kSpecial, kSpecial));
    ExpectSame(second, MakeBatch(corpus, all.subspan(rows / 2), kSpecial, kSpecial));
  }
}

}  // namespace
}  // namespace wavemt
