#include "evaluation/bleu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "evaluation/signature.h"
#include "evaluation/statistics.h"
#include "segment_score.h"

namespace wavemt {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

// BLEU without tokenization, so that the numbers can be checked by hand.
Bleu PlainBleu(BleuOptions options = {}) {
  options.tokenizer = EvaluationTokenizer::kNone;
  return Bleu(options);
}

TEST(BleuTest, ClipsMatches) {
  // Papineni et al. 2002, section 2.1: "the" matches twice at most.
  EXPECT_THAT(StatisticsOf(PlainBleu(),
                           {.hypothesis = "the the the the the the the",
                            .references = {"the cat is on the mat", "there is a cat on the mat"}}),
              ElementsAre(7, 7, 2, 0, 0, 0, 7, 6, 5, 4));
}

TEST(BleuTest, IsTheGeometricMeanOfPrecisionsTimesBrevityPenalty) {
  // 5 words against 6; precisions 4/5, 2/4, 1/3 and 0/2, where smoothing counts half a match.
  const double expected =
      100 * std::exp(1 - 6.0 / 5.0) * std::pow(4.0 / 5 * 2 / 4 * 1 / 3 * 0.5 / 2, 0.25);
  EXPECT_THAT(ScoreOf(PlainBleu(), {.hypothesis = "a b c x e", .references = {"a b c d e f"}}),
              DoubleEq(expected));
}

TEST(BleuTest, TheBrevityPenaltySaysHowShortTheTranslationsAre) {
  // 5 words against 6.
  const Segment segment = {.hypothesis = "a b c x e", .references = {"a b c d e f"}};
  const double penalty =
      BrevityPenaltyOf(PlainBleu().FullScore(StatisticsOf(PlainBleu(), segment)));
  EXPECT_THAT(penalty, DoubleEq(std::exp(1 - 6.0 / 5.0)));
  EXPECT_NEAR(LengthRatioOf(penalty), 5.0 / 6.0, 1e-12);
  EXPECT_EQ(LengthRatioOf(1), 1);
  EXPECT_EQ(LengthRatioOf(0), 0);
}

TEST(BleuTest, SmoothsAsAsked) {
  const Segment segment = {.hypothesis = "a b c x e", .references = {"a b c d e"}};
  const auto score = [&](BleuSmoothing smoothing, std::optional<double> value) {
    return ScoreOf(PlainBleu({.smoothing = smoothing, .smooth_value = value}), segment);
  };
  const double rest = 4.0 / 5 * 2 / 4 * 1 / 3;
  EXPECT_THAT(score(BleuSmoothing::kNone, std::nullopt), DoubleEq(0));
  EXPECT_THAT(score(BleuSmoothing::kFloor, std::nullopt),
              DoubleEq(100 * std::pow(rest * 0.1 / 2, 0.25)));
  EXPECT_THAT(score(BleuSmoothing::kFloor, 0.5), DoubleEq(100 * std::pow(rest * 0.5 / 2, 0.25)));
  EXPECT_THAT(score(BleuSmoothing::kAddK, std::nullopt),
              DoubleEq(100 * std::pow(4.0 / 5 * 3 / 5 * 2 / 4 * 1 / 3, 0.25)));
}

TEST(BleuTest, EffectiveOrderLeavesOutWhatIsTooShort) {
  const Segment segment = {.hypothesis = "a b", .references = {"a b"}};
  EXPECT_THAT(ScoreOf(PlainBleu(), segment), DoubleEq(0));
  EXPECT_THAT(ScoreOf(PlainBleu({.effective_order = true}), segment), DoubleEq(100));
}

TEST(BleuTest, TakesTheClosestReferenceLengthAndOfTwoTheShorter) {
  const auto length = [](const Segment& segment) { return StatisticsOf(PlainBleu(), segment)[1]; };
  EXPECT_EQ(length({.hypothesis = "a b c", .references = {"a", "a b c d", "a b"}}), 2);
  EXPECT_EQ(length({.hypothesis = "a b c", .references = {"a b", "a b c d"}}), 2);
  EXPECT_EQ(length({.hypothesis = "a b c d", .references = {"a", "a b c d e"}}), 5);
}

TEST(BleuTest, OfNothing) {
  EXPECT_EQ(ScoreOf(PlainBleu(), {.hypothesis = "", .references = {"a"}}), 0);
  EXPECT_EQ(ScoreOf(PlainBleu(), {.hypothesis = "a", .references = {""}}), 0);
  EXPECT_EQ(ScoreOf(PlainBleu(), {.hypothesis = "", .references = {""}}), 0);
}

TEST(BleuTest, SaysWhatItIs) {
  EXPECT_EQ(Signature(Bleu({})), "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0");
  const Bleu bleu({.tokenizer = EvaluationTokenizer::kIntl,
                   .lowercase = true,
                   .smoothing = BleuSmoothing::kFloor,
                   .effective_order = true});
  EXPECT_EQ(Signature(bleu,
                      {.num_references = "var",
                       .bootstrap_samples = 1000,
                       .randomization_trials = std::nullopt,
                       .seed = "12345"},
                      /*short_form=*/true),
            "#:var|bs:1000|rs:12345|c:lc|e:yes|tok:intl|s:floor[0.10]|v:2.6.0");
}

TEST(StatisticsTest, ManyThreadsMeasureAsOneDoes) {
  std::vector<std::string> lines(1000);
  for (size_t i = 0; i < lines.size(); ++i) lines[i] = "a b c " + std::to_string(i % 7) + " d";
  std::vector<Segment> segments;
  segments.reserve(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    segments.push_back({.hypothesis = lines[i], .references = {lines[i * 13 % lines.size()]}});
  }
  const Bleu bleu({});
  const Statistics rows = Measure(bleu, segments);
  ASSERT_EQ(rows.size(), segments.size());
  std::vector<double> expected(bleu.NumStatistics());
  const auto meter = bleu.NewMeter();
  for (size_t i = 0; i < segments.size(); ++i) {
    meter->Measure(segments[i], expected);
    ASSERT_TRUE(std::equal(expected.begin(), expected.end(), rows.row(i).begin())) << i;
  }
}

}  // namespace
}  // namespace wavemt
