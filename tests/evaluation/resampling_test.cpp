#include "evaluation/resampling.h"

#include <gtest/gtest.h>

#include <vector>

#include "evaluation/bleu.h"
#include "evaluation/chrf.h"
#include "evaluation/numpy_number.h"

namespace wavemt {
namespace {

// Segments; every `wrong_every`th has one wrong word.
Statistics SomeStatistics(const Metric& metric, size_t wrong_every) {
  std::vector<Segment> segments(100);
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool wrong = i % wrong_every == 0;
    segments[i] = {.hypothesis = wrong ? "the cat sat on a mat" : "the cat sat on the mat",
                   .references = {"the cat sat on the mat"}};
  }
  return Measure(metric, segments);
}

TEST(NumpyNumberTest, Float32IsCatching) {
  const NumpyNumber third = NumpyNumber::Float32(1.0) / 3.0;
  EXPECT_TRUE(third.is_float32());
  EXPECT_EQ(third.value(), static_cast<double>(1.0F / 3.0F));
  EXPECT_EQ((third * 3.0 + 0.1).value(), static_cast<double>(1.0F / 3.0F * 3.0F + 0.1F));
  EXPECT_FALSE((NumpyNumber(1.0) / 3.0).is_float32());
  EXPECT_EQ((NumpyNumber(1.0) / 3.0).value(), 1.0 / 3.0);
}

TEST(BootstrapTest, ScoresAreFloat32WhereNumpysAre) {
  const Chrf chrf({});
  EXPECT_TRUE(Bootstrap(chrf, SomeStatistics(chrf, 2), {.samples = 10}).is_float32);
  const Bleu bleu({});
  EXPECT_FALSE(Bootstrap(bleu, SomeStatistics(bleu, 2), {.samples = 10}).is_float32);
}

TEST(BootstrapTest, TheSeedDecides) {
  const Bleu bleu({});
  const Statistics statistics = SomeStatistics(bleu, 3);
  const auto scores = [&](uint64_t seed) {
    return Bootstrap(bleu, statistics, {.samples = 20, .seed = seed}).values;
  };
  EXPECT_EQ(scores(1), scores(1));
  EXPECT_NE(scores(1), scores(2));
}

TEST(ConfidenceIntervalTest, LeavesOutAFortiethAtEachEnd) {
  ResampledScores scores;
  for (int i = 99; i >= 0; --i) scores.values.push_back(i);
  for (const ConfidenceInterval& interval :
       {EstimateInterval(scores), EstimateIntervalOfArray(scores)}) {
    EXPECT_EQ(interval.mean, 49.5);
    EXPECT_EQ(interval.half_width, (97 - 2) / 2.0);
  }
}

TEST(PairedTest, TheSameSystemTwiceNeverBeatsItself) {
  const Bleu bleu({});
  const Statistics statistics = SomeStatistics(bleu, 3);
  const ResamplingOptions options = {.samples = 99};
  EXPECT_EQ(PairedBootstrap(bleu, statistics, statistics, options).p_value, 1.0 / 100);
  EXPECT_EQ(PairedApproximateRandomization(bleu, statistics, statistics, options).p_value,
            1.0 / 100);
}

TEST(PairedTest, FindsALargeDifferenceAndDoubtsASmallOne) {
  const Bleu bleu({});
  const Statistics good = SomeStatistics(bleu, 50);
  const Statistics nearly_as_good = SomeStatistics(bleu, 40);
  const Statistics bad = SomeStatistics(bleu, 2);
  const ResamplingOptions options = {.samples = 500};
  for (const auto test : {PairedBootstrap, PairedApproximateRandomization}) {
    EXPECT_LT(test(bleu, good, bad, options).p_value, 0.01);
    EXPECT_GT(test(bleu, good, nearly_as_good, options).p_value, 0.1);
  }
}

}  // namespace
}  // namespace wavemt
