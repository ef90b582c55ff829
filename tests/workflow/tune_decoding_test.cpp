#include "workflow/tune_decoding.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wavemt {
namespace {

std::vector<std::string> AssignmentsFor(const TunedSearch& search) {
  std::vector<std::string> assignments;
  for (const ConfigOverride& o : OverridesFor(search)) assignments.push_back(o.assignment);
  return assignments;
}

TEST(TuneDecoding, TheBestScoreOfTheMetricIsChosen) {
  const std::vector<TunedSearch> searches = {
      {.beam_size = 1, .bleu = 10, .chrf = 31},
      {.beam_size = 4, .length_penalty = 0.5, .bleu = 12, .chrf = 30},
      {.beam_size = 4, .length_penalty = 1.0, .bleu = 11, .chrf = 32}};
  EXPECT_EQ(BestSearch(searches, TuningMetric::kBleu), 1U);
  EXPECT_EQ(BestSearch(searches, TuningMetric::kChrf), 2U);
}

TEST(TuneDecoding, OfEqualScoresTheSmallerBeamAndThenTheFirstIsChosen) {
  const std::vector<TunedSearch> searches = {{.beam_size = 8, .length_penalty = 1.0, .bleu = 12},
                                             {.beam_size = 2, .length_penalty = 0.0, .bleu = 11},
                                             {.beam_size = 2, .length_penalty = 1.0, .bleu = 12},
                                             {.beam_size = 2, .length_penalty = 2.0, .bleu = 12},
                                             {.beam_size = 5, .length_penalty = 2.0, .bleu = 12}};
  EXPECT_EQ(BestSearch(searches, TuningMetric::kBleu), 2U);
}

TEST(TuneDecoding, AGreedySearchIsTheSameWhateverThePenalty) {
  DecodingConfig decoding;
  decoding.beam_size = 1;
  decoding.length_penalty = 0.7;
  const TunedSearch greedy = {.beam_size = 1};
  EXPECT_TRUE(IsSearchOf(greedy, decoding));
  EXPECT_EQ(AssignmentsFor(greedy), std::vector<std::string>{"decoding.beam_size=1"});
  const TunedSearch other = {.beam_size = 5, .length_penalty = 0.7};
  EXPECT_FALSE(IsSearchOf(other, decoding));
  decoding.beam_size = 5;
  EXPECT_TRUE(IsSearchOf(other, decoding));
  decoding.length_penalty = 1;
  EXPECT_FALSE(IsSearchOf(other, decoding));
  EXPECT_EQ(AssignmentsFor(other),
            (std::vector<std::string>{"decoding.beam_size=5", "decoding.length_penalty=0.7"}));
}

}  // namespace
}  // namespace wavemt
