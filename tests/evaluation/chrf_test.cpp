#include "evaluation/chrf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluation/signature.h"
#include "segment_score.h"

namespace wavemt {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

TEST(ChrfTest, CountsCharactersAndWordsOfEachOrder) {
  // Hypothesis, reference and matches of "abx" and "abcd", then of words, punctuation apart.
  EXPECT_THAT(StatisticsOf(Chrf({.char_order = 2, .word_order = 1}),
                           {.hypothesis = "ab x", .references = {"ab cd"}}),
              ElementsAre(3, 4, 2, 2, 3, 1, 2, 2, 1));
  EXPECT_THAT(StatisticsOf(Chrf({.char_order = 1, .whitespace = true}),
                           {.hypothesis = "ab x", .references = {"ab cd"}}),
              ElementsAre(4, 5, 3));
  // Words: "(hi" ")" "," "b" "。" and "(" "hi" ")" "," "b" "。".
  EXPECT_THAT(StatisticsOf(Chrf({.char_order = 0, .word_order = 1}),
                           {.hypothesis = "(hi) ,b 。", .references = {"(hi ) , b 。"}}),
              ElementsAre(5, 6, 4));
}

TEST(ChrfTest, WeighsRecall) {
  // Precision 2/3, recall 2/4.
  const Segment segment = {.hypothesis = "abx", .references = {"abcd"}};
  EXPECT_THAT(ScoreOf(Chrf({.char_order = 1, .beta = 1}), segment),
              DoubleEq(100 * 2 * (2.0 / 3) * (2.0 / 4) / (2.0 / 3 + 2.0 / 4)));
  EXPECT_THAT(ScoreOf(Chrf({.char_order = 1, .beta = 2}), segment),
              DoubleEq(100 * (5 * (2.0 / 3) * (2.0 / 4) / (4 * (2.0 / 3) + 2.0 / 4))));
}

TEST(ChrfTest, OrdersThatAreTooLongDoNotCountButWithEpsilonSmoothing) {
  const Segment segment = {.hypothesis = "ab", .references = {"ab"}};
  EXPECT_THAT(ScoreOf(Chrf({}), segment), DoubleEq(100));
  EXPECT_NEAR(ScoreOf(Chrf({.eps_smoothing = true}), segment), 100.0 * 2 / 6, 1e-9);
}

TEST(ChrfTest, TakesTheBestReference) {
  EXPECT_THAT(ScoreOf(Chrf({}), {.hypothesis = "abc def", .references = {"xyz", "abc def", "abc"}}),
              DoubleEq(100));
}

TEST(ChrfTest, OfNothing) {
  EXPECT_EQ(ScoreOf(Chrf({}), {.hypothesis = "", .references = {""}}), 0);
  EXPECT_EQ(ScoreOf(Chrf({}), {.hypothesis = "a", .references = {""}}), 0);
  EXPECT_EQ(ScoreOf(Chrf({.word_order = 2}), {.hypothesis = "", .references = {"a"}}), 0);
}

TEST(ChrfTest, SaysWhatItIs) {
  EXPECT_EQ(Chrf({}).Name(), "chrF2");
  EXPECT_EQ(Chrf({.word_order = 2, .beta = 3}).Name(), "chrF3++");
  EXPECT_EQ(Signature(Chrf({.word_order = 2})),
            "nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.6.0");
}

}  // namespace
}  // namespace wavemt
