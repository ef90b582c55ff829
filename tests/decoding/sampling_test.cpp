#include "decoding/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "special_tokens.h"
#include "table_scorer.h"

namespace wavemt {
namespace {

constexpr int64_t kDrawnVocabulary = 7;  // The special tokens and three words.
constexpr int64_t kDraws = 20'000;

DecodingConfig DrawOptions(int64_t draws) {
  DecodingConfig options;
  options.sampling = true;
  options.n_best = draws;
  return options;
}

SearchInput DrawInput(const std::vector<uint64_t>& seeds, int64_t longest) {
  SearchInput input{.sentences = {}, .special = kSpecial};
  for (const uint64_t seed : seeds) {
    input.sentences.push_back({.longest_output = longest, .seed = seed});
  }
  return input;
}

// How often each token came first, </s> included, as a share.
std::map<int32_t, double> FirstTokens(const DecodingConfig& options, const SearchInput& input) {
  TableScorer scorer({3}, kDrawnVocabulary);
  std::map<int32_t, double> shares;
  const auto all = Sample(scorer, input, options);
  for (const Hypothesis& drawn : all[0]) {
    const auto& tokens = drawn.sequence.tokens;
    shares[tokens.empty() ? kSpecial.eos : tokens[0]] += 1.0 / static_cast<double>(options.n_best);
  }
  return shares;
}

// What they should be: proportional to p^(1 / temperature), of the tokens that `kept` lists.
std::map<int32_t, double> Expected(double temperature, const std::vector<int32_t>& kept) {
  const auto log_probs = TableScorer::LogProbabilities(3, {kSpecial.bos}, kDrawnVocabulary);
  std::map<int32_t, double> shares;
  double sum = 0;
  for (const int32_t token : kept) {
    shares[token] = std::exp(log_probs[static_cast<size_t>(token)] / temperature);
    sum += shares[token];
  }
  for (auto& [token, share] : shares) share /= sum;
  return shares;
}

// The tokens that may be produced, likeliest first.
std::vector<int32_t> Likeliest(size_t count) {
  const auto log_probs = TableScorer::LogProbabilities(3, {kSpecial.bos}, kDrawnVocabulary);
  std::vector<int32_t> order = {kSpecial.eos, 4, 5, 6};
  std::ranges::sort(order, std::greater(),
                    [&](int32_t token) { return log_probs[static_cast<size_t>(token)]; });
  order.resize(count);
  return order;
}

void ExpectClose(const std::map<int32_t, double>& actual,
                 const std::map<int32_t, double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [token, share] : expected) {
    // Four standard deviations; the seed is fixed, so the test gives the same everywhere.
    const double deviation = std::sqrt(share * (1 - share) / static_cast<double>(kDraws));
    EXPECT_NEAR(actual.at(token), share, 4 * deviation + 1e-9) << token;
  }
}

TEST(Sample, FollowsTheModelsDistribution) {
  ExpectClose(FirstTokens(DrawOptions(kDraws), DrawInput({1}, 4)), Expected(1, Likeliest(4)));
}

TEST(Sample, FollowsTheTemperature) {
  DecodingConfig options = DrawOptions(kDraws);
  options.temperature = 0.5;
  ExpectClose(FirstTokens(options, DrawInput({1}, 4)), Expected(0.5, Likeliest(4)));
  options.temperature = 3;
  ExpectClose(FirstTokens(options, DrawInput({1}, 4)), Expected(3, Likeliest(4)));
}

TEST(Sample, DrawsFromTheTopK) {
  DecodingConfig options = DrawOptions(kDraws);
  options.top_k = 2;
  ExpectClose(FirstTokens(options, DrawInput({1}, 4)), Expected(1, Likeliest(2)));
}

TEST(Sample, DrawsFromTheTopP) {
  const auto shares = Expected(1, Likeliest(4));
  const auto order = Likeliest(4);
  DecodingConfig options = DrawOptions(kDraws);
  // A little more than the first two have.
  options.top_p = shares.at(order[0]) + shares.at(order[1]) + 1e-3;
  ExpectClose(FirstTokens(options, DrawInput({1}, 4)), Expected(1, Likeliest(3)));
  options.top_p = 1e-6;
  ExpectClose(FirstTokens(options, DrawInput({1}, 4)), Expected(1, Likeliest(1)));
}

TEST(Sample, RespectsTheLimits) {
  DecodingConfig options = DrawOptions(2000);
  options.no_repeat_ngram_size = 1;
  SearchInput input = DrawInput({1}, 4);
  input.sentences[0].shortest_output = 2;
  input.sentences[0].target_prefix = {6};
  TableScorer scorer({3}, kDrawnVocabulary);
  const auto all = Sample(scorer, input, options);
  for (const Hypothesis& drawn : all[0]) {
    const auto& tokens = drawn.sequence.tokens;
    EXPECT_GE(tokens.size(), 2U);
    EXPECT_LE(tokens.size(), 3U);
    EXPECT_EQ(tokens[0], 6);
    EXPECT_EQ(std::set(tokens.begin(), tokens.end()).size(), tokens.size());
  }
}

TEST(Sample, LogProbabilitiesAreTheModels) {
  DecodingConfig options = DrawOptions(50);
  options.temperature = 2;
  options.length_penalty = 0.5;
  TableScorer scorer({3}, kDrawnVocabulary);
  const auto all = Sample(scorer, DrawInput({1}, 6), options);
  for (const Hypothesis& drawn : all[0]) {
    std::vector<int64_t> prefix = {kSpecial.bos};
    double sum = 0;
    for (size_t i = 0; i <= drawn.sequence.tokens.size(); ++i) {
      const bool is_end = i == drawn.sequence.tokens.size();
      const int32_t token = is_end ? kSpecial.eos : drawn.sequence.tokens[i];
      const double log_prob =
          TableScorer::LogProbabilities(3, prefix, kDrawnVocabulary)[static_cast<size_t>(token)];
      EXPECT_NEAR(is_end ? drawn.end_log_prob : drawn.sequence.log_probs[i], log_prob, 1e-6);
      sum += log_prob;
      prefix.push_back(token);
    }
    EXPECT_NEAR(drawn.log_probability, sum, 1e-5);
    EXPECT_NEAR(drawn.score, sum / LengthPenalty(static_cast<int64_t>(prefix.size()) - 1, 0.5),
                1e-5);
  }
}

TEST(Sample, ASentencesDrawsDependOnItsSeedAlone) {
  const auto draw = [](const std::vector<uint64_t>& sentences, int64_t draws) {
    TableScorer scorer(sentences, kDrawnVocabulary);
    std::vector<std::vector<std::vector<int32_t>>> tokens;
    for (const auto& of_sentence : Sample(scorer, DrawInput(sentences, 9), DrawOptions(draws))) {
      tokens.emplace_back();
      for (const Hypothesis& drawn : of_sentence) tokens.back().push_back(drawn.sequence.tokens);
    }
    return tokens;
  };
  const auto together = draw({1, 2, 3, 4}, 20);
  EXPECT_NE(together[0], together[1]);
  for (uint64_t sentence = 1; sentence <= 4; ++sentence) {
    EXPECT_EQ(draw({sentence}, 20)[0], together[sentence - 1]);
  }
  auto fewer = draw({4, 1}, 5);
  EXPECT_TRUE(std::equal(fewer[0].begin(), fewer[0].end(), together[3].begin()));
  EXPECT_TRUE(std::equal(fewer[1].begin(), fewer[1].end(), together[0].begin()));
}

}  // namespace
}  // namespace wavemt
