#include "decoding/ensemble_scorer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "decoding/beam_search.h"
#include "special_tokens.h"
#include "table_scorer.h"

namespace wavemt {
namespace {

constexpr int64_t kWideVocabulary = 700;  // Of more than one block.

// Its first sentence is `first`, its second `second`.
std::unique_ptr<StepScorer> Model(uint64_t first, uint64_t second) {
  return std::make_unique<TableScorer>(std::vector<uint64_t>{first, second}, kWideVocabulary);
}

std::unique_ptr<EnsembleScorer> Ensemble(EnsembleMean mean) {
  std::vector<std::unique_ptr<StepScorer>> models;
  models.push_back(Model(1, 2));
  models.push_back(Model(3, 4));
  models.push_back(Model(5, 6));
  return std::make_unique<EnsembleScorer>(std::move(models), kSpecial, mean);
}

double Mean(EnsembleMean mean, uint64_t first_sentence, const std::vector<int64_t>& prefix,
            size_t token) {
  double sum = 0;
  for (const uint64_t sentence : {first_sentence, first_sentence + 2, first_sentence + 4}) {
    const double log_prob = TableScorer::LogProbabilities(sentence, prefix, kWideVocabulary)[token];
    sum += mean == EnsembleMean::kProbabilities ? std::exp(log_prob) : log_prob;
  }
  return mean == EnsembleMean::kProbabilities ? std::log(sum / 3) : sum / 3;
}

class EnsembleTest : public testing::TestWithParam<EnsembleMean> {};

TEST_P(EnsembleTest, AveragesItsModels) {
  const auto ensemble = Ensemble(GetParam());
  const std::vector<int32_t> newest = {kSpecial.bos, kSpecial.bos};
  const std::span<const float> all = ensemble->StepAll(newest);
  ASSERT_EQ(all.size(), 2U * kWideVocabulary);
  for (size_t i = 0; i < all.size(); ++i) {
    const double expected =
        Mean(GetParam(), 1 + i / kWideVocabulary, {kSpecial.bos}, i % kWideVocabulary);
    EXPECT_NEAR(all[i], expected, 1e-5) << i;
  }
}

TEST_P(EnsembleTest, FindsTheLikeliest) {
  const auto ensemble = Ensemble(GetParam());
  const std::vector<int32_t> newest = {kSpecial.bos, kSpecial.bos};
  const NextTokens& next = ensemble->Step(newest, std::vector<int32_t>{kSpecial.eos, 77}, 10);
  for (size_t row = 0; row < 2; ++row) {
    std::vector<std::pair<double, int32_t>> order;
    for (int32_t token = kSpecial.eos; token < kWideVocabulary; ++token) {
      order.emplace_back(-Mean(GetParam(), 1 + row, {kSpecial.bos}, static_cast<size_t>(token)),
                         token);
    }
    std::ranges::sort(order);
    for (size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(next.tokens[row * 10 + i], order[i].second);
      EXPECT_NEAR(next.log_probs[row * 10 + i], -order[i].first, 1e-5);
    }
    const size_t wanted = row == 0 ? kSpecial.eos : 77;
    EXPECT_NEAR(next.of_wanted[row], Mean(GetParam(), 1 + row, {kSpecial.bos}, wanted), 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Mean, EnsembleTest,
                         testing::Values(EnsembleMean::kProbabilities,
                                         EnsembleMean::kLogProbabilities),
                         [](const auto& info) {
                           return info.param == EnsembleMean::kProbabilities ? "probabilities"
                                                                             : "logs";
                         });

// A model for which every token but </s> is next to impossible, by `log_prob`.
class SureScorer : public TableScorer {
 public:
  explicit SureScorer(double log_prob) : TableScorer({1}, kWideVocabulary), log_prob_(log_prob) {}
  std::vector<double> Distribution(uint64_t /*sentence*/,
                                   const std::vector<int64_t>& /*prefix*/) const override {
    std::vector<double> log_probs(kWideVocabulary, log_prob_);
    log_probs[kSpecial.eos] = 0;
    return log_probs;
  }

 private:
  double log_prob_;
};

TEST(EnsembleScorer, KeepsSmallProbabilities) {
  std::vector<std::unique_ptr<StepScorer>> models;
  models.push_back(std::make_unique<SureScorer>(-100));
  models.push_back(std::make_unique<SureScorer>(-200));
  EnsembleScorer ensemble(std::move(models), kSpecial, EnsembleMean::kProbabilities);
  const std::vector<int32_t> newest = {kSpecial.bos};
  const double expected = -100 - std::log(2.0);
  EXPECT_NEAR(ensemble.Step(newest, std::vector<int32_t>{9}, 3).of_wanted[0], expected, 1e-4);
  EXPECT_NEAR(ensemble.StepAll(newest)[9], expected, 1e-4);
}

TEST(EnsembleScorer, AveragesAttention) {
  const auto ensemble = Ensemble(EnsembleMean::kProbabilities);
  ensemble->WatchAttention(0);
  ensemble->StepAll(std::vector<int32_t>{kSpecial.bos, 9});
  const auto alone = Model(1, 2);
  alone->StepAll(std::vector<int32_t>{kSpecial.bos, 9});
  // TableScorer attends by the newest token, so all models agree.
  for (const int64_t row : {0, 1}) {
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(ensemble->Attention(row)[i], alone->Attention(row)[i], 1e-6);
    }
  }
}

TEST(EnsembleScorer, OfTheSameModelTwiceFindsWhatTheModelFinds) {
  SearchInput input{.sentences = {{.longest_output = 8}, {.longest_output = 5}},
                    .special = kSpecial};
  DecodingConfig options;
  options.n_best = 5;
  const auto alone = BeamSearch(*Model(7, 8), input, options);
  for (const EnsembleMean mean : {EnsembleMean::kProbabilities, EnsembleMean::kLogProbabilities}) {
    std::vector<std::unique_ptr<StepScorer>> models;
    models.push_back(Model(7, 8));
    models.push_back(Model(7, 8));
    EnsembleScorer twice(std::move(models), kSpecial, mean);
    const auto found = BeamSearch(twice, input, options);
    for (size_t i = 0; i < 2; ++i) {
      ASSERT_EQ(found[i].size(), alone[i].size());
      for (size_t n = 0; n < found[i].size(); ++n) {
        EXPECT_EQ(found[i][n].sequence.tokens, alone[i][n].sequence.tokens);
        EXPECT_NEAR(found[i][n].score, alone[i][n].score, 1e-5);
      }
    }
  }
}

}  // namespace
}  // namespace wavemt
