#include "evaluation/reference_ngrams.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace wavemt {
namespace {

using Symbols = std::vector<uint32_t>;

std::map<Symbols, int64_t> CountOf(const Symbols& text, size_t order) {
  std::map<Symbols, int64_t> counts;
  for (size_t i = 0; i + order <= text.size(); ++i) {
    ++counts[Symbols(text.begin() + static_cast<int64_t>(i),
                     text.begin() + static_cast<int64_t>(i + order))];
  }
  return counts;
}

int64_t ExpectedMatches(const Symbols& hypothesis, const std::vector<Symbols>& references,
                        size_t order) {
  std::map<Symbols, int64_t> allowed;
  for (const Symbols& reference : references) {
    for (const auto& [ngram, count] : CountOf(reference, order)) {
      allowed[ngram] = std::max(allowed[ngram], count);
    }
  }
  int64_t matches = 0;
  for (const auto& [ngram, count] : CountOf(hypothesis, order)) {
    matches += std::min(count, allowed[ngram]);
  }
  return matches;
}

Symbols RandomSymbols(std::mt19937* generator, size_t length, uint32_t kinds) {
  Symbols symbols(length);
  for (uint32_t& symbol : symbols) symbol = (*generator)() % kinds;
  return symbols;
}

TEST(ReferenceNgramsTest, CountsAsMapsDo) {
  constexpr size_t kMaxOrder = 5;
  std::mt19937 generator(1);
  ReferenceNgrams ngrams(kMaxOrder);
  for (int trial = 0; trial < 200; ++trial) {
    // Occasionally so long that the table grows; Clear() must shrink or empty it afterwards.
    const size_t length = trial % 20 == 0 ? 5000 : generator() % 30;
    const uint32_t kinds = trial % 2 == 0 ? 3 : 1000;
    std::vector<Symbols> references(1 + generator() % 3);
    ngrams.Clear();
    for (Symbols& reference : references) {
      reference = RandomSymbols(&generator, length, kinds);
      ngrams.Add(reference);
    }
    const Symbols hypothesis = RandomSymbols(&generator, length + 2, kinds);
    std::vector<int64_t> matches(kMaxOrder);
    ngrams.TakeMatches(hypothesis, matches);
    for (size_t order = 1; order <= kMaxOrder; ++order) {
      ASSERT_EQ(matches[order - 1], ExpectedMatches(hypothesis, references, order))
          << "trial " << trial << " order " << order;
    }
  }
}

TEST(ReferenceNgramsTest, NumbersOfNgrams) {
  EXPECT_EQ(NumNgrams(5, 1), 5);
  EXPECT_EQ(NumNgrams(5, 5), 1);
  EXPECT_EQ(NumNgrams(5, 6), 0);
  EXPECT_EQ(NumNgrams(0, 1), 0);
}

}  // namespace
}  // namespace wavemt
