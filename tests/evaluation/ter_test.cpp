#include "evaluation/ter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "evaluation/edit_distance.h"
#include "evaluation/signature.h"
#include "evaluation/translation_edits.h"

namespace wavemt {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using Words = std::vector<uint32_t>;

Words RandomWords(std::mt19937* generator, size_t length, uint32_t kinds) {
  Words words(length);
  for (uint32_t& word : words) word = (*generator)() % kinds;
  return words;
}

// The algorithm of Wagner and Fischer 1974, without a beam.
int32_t PlainDistance(const Words& a, const Words& b) {
  std::vector<int32_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int32_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int32_t diagonal = row[0];
    row[0] = static_cast<int32_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int32_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

TEST(EditDistanceTest, IsThePlainOneWhereTheBeamHoldsEverything) {
  std::mt19937 generator(1);
  EditDistance distance;
  for (int trial = 0; trial < 300; ++trial) {
    const Words a = RandomWords(&generator, 1 + generator() % 12, 4);
    const Words b = RandomWords(&generator, 1 + generator() % 12, 4);
    distance.SetReference(b, a.size());
    ASSERT_EQ(distance.Set(a), PlainDistance(a, b)) << "trial " << trial;
  }
}

TEST(EditDistanceTest, OfChangedWordsEqualsAFreshOne) {
  std::mt19937 generator(2);
  EditDistance distance;
  EditDistance fresh;
  for (int trial = 0; trial < 300; ++trial) {
    const Words a = RandomWords(&generator, 1 + generator() % 80, 5);
    const Words b = RandomWords(&generator, 1 + generator() % 200, 5);
    Words changed = a;
    const size_t begin = generator() % a.size();
    const size_t end = begin + 1 + generator() % (a.size() - begin);
    for (size_t i = begin; i < end; ++i) changed[i] = generator() % 5;
    distance.SetReference(b, a.size());
    distance.Set(a);
    fresh.SetReference(b, a.size());
    ASSERT_EQ(distance.OfChanged(changed, begin, end), fresh.Set(changed)) << "trial " << trial;
  }
}

TEST(EditDistanceTest, TraceTurnsTheHypothesisIntoTheReference) {
  std::mt19937 generator(3);
  EditDistance distance;
  std::vector<EditDistance::Edit> edits;
  for (int trial = 0; trial < 300; ++trial) {
    const Words a = RandomWords(&generator, 1 + generator() % 60, 4);
    const Words b = RandomWords(&generator, 1 + generator() % 60, 4);
    distance.SetReference(b, a.size());
    const int32_t cost = distance.Set(a);
    distance.Trace(&edits);
    size_t i = 0;
    size_t j = 0;
    int32_t made = 0;
    for (const EditDistance::Edit edit : edits) {
      if (edit == EditDistance::kKeep) {
        ASSERT_EQ(a[i], b[j]);
      }
      made += edit == EditDistance::kKeep ? 0 : 1;
      i += edit == EditDistance::kInsert ? 0 : 1;
      j += edit == EditDistance::kDelete ? 0 : 1;
    }
    ASSERT_EQ(i, a.size());
    ASSERT_EQ(j, b.size());
    ASSERT_EQ(made, cost);
  }
}

TEST(TranslationEditsTest, MovingARunIsOneEdit) {
  TranslationEdits edits;
  EXPECT_EQ(edits.Count(Words{4, 5, 1, 2, 3}, Words{1, 2, 3, 4, 5}), 1);
  EXPECT_EQ(edits.Count(Words{1, 2, 3}, Words{1, 2, 3}), 0);
  EXPECT_EQ(edits.Count(Words{1, 9, 3}, Words{1, 2, 3}), 1);
  EXPECT_EQ(edits.Count(Words{}, Words{1, 2, 3}), 3);
  EXPECT_EQ(edits.Count(Words{1, 2}, Words{}), 2);
  EXPECT_EQ(edits.Count(Words{}, Words{}), 0);
}

TEST(TranslationEditsTest, NeverMoreThanWithoutMoves) {
  std::mt19937 generator(4);
  TranslationEdits edits;
  for (int trial = 0; trial < 300; ++trial) {
    const Words a = RandomWords(&generator, generator() % 20, 6);
    const Words b = RandomWords(&generator, 1 + generator() % 20, 6);
    ASSERT_LE(edits.Count(a, b), PlainDistance(a, b)) << "trial " << trial;
  }
}

TEST(TerTest, DividesByTheMeanLengthOfTheReferences) {
  const Ter ter({});
  std::vector<double> statistics(ter.NumStatistics());
  ter.NewMeter()->Measure({.hypothesis = "A b x", .references = {"a b c d", "a b x e f g"}},
                          statistics);
  EXPECT_THAT(statistics, ElementsAre(2, 5));
  EXPECT_THAT(ter.FullScore(statistics).value, DoubleEq(40));
}

TEST(TerTest, OfNothing) {
  const Ter ter({});
  EXPECT_EQ(ter.FullScore(std::vector<double>{0, 0}).value, 0);
  EXPECT_EQ(ter.FullScore(std::vector<double>{3, 0}).value, 100);
}

TEST(TerTest, SaysWhatItIs) {
  EXPECT_EQ(Signature(Ter({.normalized = true, .no_punct = true})),
            "nrefs:1|case:lc|tok:tercom|norm:yes|punct:no|asian:no|version:2.6.0");
}

}  // namespace
}  // namespace wavemt
