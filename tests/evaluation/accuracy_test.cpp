#include "evaluation/accuracy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluation/signature.h"
#include "segment_score.h"

namespace wavemt {
namespace {

using testing::ElementsAre;

TEST(AccuracyTest, ALineIsRightOrWrong) {
  const Accuracy accuracy;
  EXPECT_EQ(ScoreOf(accuracy, {.hypothesis = "positive", .references = {"positive"}}), 100.0);
  EXPECT_EQ(ScoreOf(accuracy, {.hypothesis = "positive", .references = {"negative"}}), 0.0);
  EXPECT_EQ(ScoreOf(accuracy, {.hypothesis = "positive", .references = {"Positive"}}), 0.0);
  EXPECT_EQ(ScoreOf(accuracy, {.hypothesis = "a b", .references = {"a  b"}}), 0.0);
  EXPECT_EQ(ScoreOf(accuracy, {.hypothesis = "", .references = {" "}}), 100.0);
}

TEST(AccuracyTest, WhiteSpaceAroundALineDoesNotCount) {
  EXPECT_EQ(ScoreOf(Accuracy(), {.hypothesis = "\t a b\u00A0", .references = {"a b\r\n"}}), 100.0);
}

TEST(AccuracyTest, AnyReferenceWillDo) {
  const Accuracy accuracy;
  EXPECT_EQ(ScoreOf(accuracy, {.hypothesis = "b", .references = {"a", "b"}}), 100.0);
  EXPECT_THAT(StatisticsOf(accuracy, {.hypothesis = "b", .references = {"b", "b"}}),
              ElementsAre(1, 1));
}

TEST(AccuracyTest, OfACorpusIsThePercentage) {
  const Score score = Accuracy().FullScore(std::vector<double>{2, 3});
  EXPECT_DOUBLE_EQ(score.value, 200.0 / 3);
  EXPECT_EQ(score.details, "(2 of 3)");
  EXPECT_EQ(Accuracy().FullScore(std::vector<double>{0, 0}).value, 0.0);
}

TEST(AccuracyTest, Signature) {
  EXPECT_EQ(Signature(Accuracy()), "nrefs:1|case:mixed|space:stripped|version:2.6.0");
}

}  // namespace
}  // namespace wavemt
