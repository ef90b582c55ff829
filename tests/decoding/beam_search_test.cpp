#include "decoding/beam_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "special_tokens.h"
#include "support/error.h"
#include "table_scorer.h"

namespace wavemt {
namespace {

constexpr int64_t kVocabulary = 7;  // The special tokens and three words.
constexpr int32_t kFirstWord = 4;

SearchInput Input(const std::vector<int64_t>& longest_output) {
  SearchInput input{.sentences = {}, .special = kSpecial};
  for (const int64_t longest : longest_output) {
    input.sentences.push_back({.longest_output = longest});
  }
  return input;
}

DecodingConfig Options(int64_t beam_size, int64_t n_best, double length_penalty) {
  DecodingConfig options;
  options.beam_size = beam_size;
  options.n_best = n_best;
  options.length_penalty = length_penalty;
  return options;
}

// Every output of a sentence of up to `longest` tokens including </s>, best first.
class AllSequences {
 public:
  AllSequences(uint64_t sentence, int64_t longest, double alpha)
      : sentence_(sentence), longest_(longest), alpha_(alpha) {
    Extend({kSpecial.bos}, 0.0);
    std::sort(found_.begin(), found_.end(),
              [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
  }

  const std::vector<Hypothesis>& found() const { return found_; }

 private:
  void Extend(const std::vector<int64_t>& prefix, double log_probability) {
    const auto next = TableScorer::LogProbabilities(sentence_, prefix, kVocabulary);
    const double ended = log_probability + next[kSpecial.eos];
    const auto length =
        static_cast<double>(prefix.size());  // Counts <s>, which the output lacks, for </s>.
    found_.push_back({.sequence = {.tokens = {prefix.begin() + 1, prefix.end()}},
                      .log_probability = ended,
                      .score = ended / std::pow((5.0 + length) / 6.0, alpha_)});
    if (static_cast<int64_t>(prefix.size()) == longest_) return;
    for (int32_t word = kFirstWord; word < kVocabulary; ++word) {
      std::vector<int64_t> longer = prefix;
      longer.push_back(word);
      Extend(longer, log_probability + next[static_cast<size_t>(word)]);
    }
  }

  uint64_t sentence_;
  int64_t longest_;
  double alpha_;
  std::vector<Hypothesis> found_;
};

void ExpectSame(const Hypothesis& actual, const Hypothesis& expected) {
  EXPECT_EQ(actual.sequence.tokens, expected.sequence.tokens);
  EXPECT_NEAR(actual.log_probability, expected.log_probability, 1e-5);
  EXPECT_NEAR(actual.score, expected.score, 1e-5);
}

TEST(LengthPenalty, FollowsWuEtAl) {
  EXPECT_DOUBLE_EQ(LengthPenalty(1, 1.0), 1.0);
  EXPECT_DOUBLE_EQ(LengthPenalty(7, 1.0), 2.0);
  EXPECT_DOUBLE_EQ(LengthPenalty(19, 0.5), 2.0);
  EXPECT_DOUBLE_EQ(LengthPenalty(13, 0.0), 1.0);
  EXPECT_NEAR(LengthPenalty(10, 0.6), std::pow(15.0 / 6.0, 0.6), 1e-12);
  EXPECT_DOUBLE_EQ(LengthPenalty(7, -1.0), 0.5);
}

// Broken weights may let no translation end, not even at the maximum length.
class EndlessScorer : public TableScorer {
 public:
  using TableScorer::TableScorer;

  std::vector<double> Distribution(uint64_t sentence,
                                   const std::vector<int64_t>& prefix) const override {
    auto log_probs = TableScorer::Distribution(sentence, prefix);
    log_probs[kSpecial.eos] = -std::numeric_limits<double>::infinity();
    return log_probs;
  }
};

TEST(BeamSearch, RefusesAModelThatCannotEndASentence) {
  EndlessScorer scorer({1, 2}, kVocabulary);
  EXPECT_THROW(BeamSearch(scorer, Input({4, 3}), Options(2, 1, 1.0)), Error);
}

class WideBeamTest : public testing::TestWithParam<double> {};

// 1 + 3 + 9 + 27 = 40 sequences of at most four tokens: a beam of 40 loses none.
TEST_P(WideBeamTest, FindsEverySequenceInOrderOfScore) {
  const std::vector<int64_t> longest = {4, 1, 3, 4, 2};
  TableScorer scorer({11, 12, 13, 14, 15}, kVocabulary);
  const auto found = BeamSearch(scorer, Input(longest), Options(40, 40, GetParam()));
  ASSERT_EQ(found.size(), longest.size());
  for (size_t sentence = 0; sentence < longest.size(); ++sentence) {
    SCOPED_TRACE(sentence);
    const AllSequences sequences(11 + sentence, longest[sentence], GetParam());
    const std::vector<Hypothesis>& all = sequences.found();
    ASSERT_EQ(found[sentence].size(), all.size());
    for (size_t n = 0; n < all.size(); ++n) ExpectSame(found[sentence][n], all[n]);
  }
}

INSTANTIATE_TEST_SUITE_P(Alpha, WideBeamTest, testing::Values(0.0, 0.6, 1.0, 2.0, -1.0),
                         [](const auto& info) { return "case" + std::to_string(info.index); });

// The textbook beam search of a single sentence, without batching.
std::vector<Hypothesis> SimpleBeamSearch(uint64_t sentence, int64_t longest, int64_t beam,
                                         double alpha) {
  struct Row {
    std::vector<int64_t> prefix;
    double score;
  };
  std::vector<Row> rows = {{{kSpecial.bos}, 0.0}};
  std::vector<Hypothesis> finished;
  for (int64_t length = 1; !rows.empty() && static_cast<int64_t>(finished.size()) < beam;
       ++length) {
    std::vector<Row> candidates;
    for (const Row& row : rows) {
      const auto next = TableScorer::LogProbabilities(sentence, row.prefix, kVocabulary);
      for (int64_t token = kSpecial.eos; token < kVocabulary; ++token) {
        if (length == longest && token != kSpecial.eos) continue;
        Row longer = row;
        longer.prefix.push_back(token);
        longer.score += next[static_cast<size_t>(token)];
        candidates.push_back(longer);
      }
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const Row& a, const Row& b) { return a.score > b.score; });
    rows.clear();
    for (size_t rank = 0; rank < candidates.size(); ++rank) {
      const Row& row = candidates[rank];
      if (row.prefix.back() != kSpecial.eos) {
        if (static_cast<int64_t>(rows.size()) < beam) rows.push_back(row);
      } else if (static_cast<int64_t>(rank) < beam) {
        finished.push_back({.sequence = {.tokens = {row.prefix.begin() + 1, row.prefix.end() - 1}},
                            .log_probability = row.score,
                            .score = row.score / LengthPenalty(length, alpha)});
      }
    }
  }
  std::stable_sort(finished.begin(), finished.end(),
                   [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
  return finished;
}

class NarrowBeamTest : public testing::TestWithParam<int64_t> {
 protected:
  static constexpr size_t kSentences = 30;

  NarrowBeamTest() {
    for (size_t i = 0; i < kSentences; ++i) {
      sentences_.push_back(100 + i);
      longest_.push_back(1 + static_cast<int64_t>(i * 7 % 13));
    }
  }

  std::vector<uint64_t> sentences_;
  std::vector<int64_t> longest_;
};

TEST_P(NarrowBeamTest, MatchesTheSimpleSearchForEverySentenceOfABatch) {
  const int64_t beam = GetParam();
  TableScorer scorer(sentences_, kVocabulary);
  const auto found = BeamSearch(scorer, Input(longest_), Options(beam, beam, 0.8));
  ASSERT_EQ(found.size(), kSentences);
  for (size_t i = 0; i < kSentences; ++i) {
    SCOPED_TRACE(i);
    auto expected = SimpleBeamSearch(sentences_[i], longest_[i], beam, 0.8);
    expected.resize(std::min(expected.size(), static_cast<size_t>(beam)));
    ASSERT_EQ(found[i].size(), expected.size());
    for (size_t n = 0; n < expected.size(); ++n) ExpectSame(found[i][n], expected[n]);
  }
}

TEST_P(NarrowBeamTest, GivesASentenceTheSameResultAloneAndInABatch) {
  const int64_t beam = GetParam();
  TableScorer scorer(sentences_, kVocabulary);
  const auto together = BeamSearch(scorer, Input(longest_), Options(beam, beam, 1.0));
  for (size_t i = 0; i < kSentences; ++i) {
    TableScorer one({sentences_[i]}, kVocabulary);
    const auto alone = BeamSearch(one, Input({longest_[i]}), Options(beam, beam, 1.0));
    ASSERT_EQ(alone[0].size(), together[i].size());
    for (size_t n = 0; n < alone[0].size(); ++n) {
      EXPECT_EQ(alone[0][n].sequence.tokens, together[i][n].sequence.tokens);
      EXPECT_EQ(alone[0][n].score, together[i][n].score);
    }
  }
}

TEST_P(NarrowBeamTest, HypothesesAreSortedDistinctAndWithinLimits) {
  const int64_t beam = GetParam();
  TableScorer scorer(sentences_, kVocabulary);
  const auto found = BeamSearch(scorer, Input(longest_), Options(beam, beam, 1.0));
  for (size_t i = 0; i < kSentences; ++i) {
    ASSERT_FALSE(found[i].empty());
    EXPECT_LE(found[i].size(), static_cast<size_t>(beam));
    std::set<std::vector<int32_t>> distinct;
    for (size_t n = 0; n < found[i].size(); ++n) {
      const Hypothesis& hypothesis = found[i][n];
      EXPECT_LE(hypothesis.score, found[i][n == 0 ? 0 : n - 1].score);
      EXPECT_LT(static_cast<int64_t>(hypothesis.sequence.tokens.size()), longest_[i]);
      for (const int32_t token : hypothesis.sequence.tokens) EXPECT_GE(token, kFirstWord);
      distinct.insert(hypothesis.sequence.tokens);
    }
    EXPECT_EQ(distinct.size(), found[i].size());
  }
}

INSTANTIATE_TEST_SUITE_P(Beam, NarrowBeamTest, testing::Values(1, 2, 3, 5, 16),
                         testing::PrintToStringParamName());

TEST(BeamSearch, ReturnsOnlyTheNBest) {
  TableScorer all({5}, kVocabulary);
  const auto four = BeamSearch(all, Input({6}), Options(4, 4, 1.0))[0];
  TableScorer again({5}, kVocabulary);
  const auto two = BeamSearch(again, Input({6}), Options(4, 2, 1.0))[0];
  ASSERT_EQ(two.size(), 2U);
  for (size_t n = 0; n < 2; ++n) EXPECT_EQ(two[n].sequence.tokens, four[n].sequence.tokens);
}

TEST(BeamSearch, StopsAtTheLongestOutput) {
  TableScorer scorer({5, 6}, kVocabulary);
  BeamSearch(scorer, Input({4, 9}), Options(3, 1, 1.0));
  EXPECT_LE(scorer.steps, 9);
  TableScorer one({5}, kVocabulary);
  const auto found = BeamSearch(one, Input({1}), Options(3, 3, 1.0))[0];
  EXPECT_EQ(one.steps, 1);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].sequence.tokens.empty());
}

TEST(BeamSearch, ReturnsNothingForNoSentences) {
  TableScorer scorer({}, kVocabulary);
  EXPECT_TRUE(BeamSearch(scorer, Input({}), Options(3, 1, 1.0)).empty());
}

// Marian's models have neither <s> nor <pad>: </s> serves as both and must still be allowed.
TEST(BeamSearch, AcceptsAVocabularyInWhichEosReplacesBosAndPad) {
  SearchInput input = Input({5});
  input.special = {.pad = 3, .unk = 0, .bos = 3, .eos = 3};
  TableScorer scorer({8}, kVocabulary, input.special);
  const auto found = BeamSearch(scorer, input, Options(4, 4, 1.0))[0];
  ASSERT_EQ(found.size(), 4U);
  for (const Hypothesis& hypothesis : found) {
    for (const int32_t token : hypothesis.sequence.tokens) EXPECT_TRUE(token != 3 && token != 0);
  }
}

// Whether a sequence is allowed, and its score, are checked for every sequence: a beam of 40 sees
// all of them.
class LimitedSearchTest : public testing::Test {
 protected:
  // The best sequences that `is_allowed` lets through, all of them.
  static std::vector<Hypothesis> Expected(
      uint64_t sentence, int64_t longest,
      const std::function<bool(const Hypothesis&)>& is_allowed) {
    std::vector<Hypothesis> expected = AllSequences(sentence, longest, 1.0).found();
    std::erase_if(expected, [&](const Hypothesis& h) { return !is_allowed(h); });
    return expected;
  }

  static void Check(const SearchInput& input, const DecodingConfig& options,
                    const std::function<bool(const Hypothesis&)>& is_allowed) {
    TableScorer scorer({31, 32}, kVocabulary);
    const auto found = BeamSearch(scorer, input, options);
    for (size_t i = 0; i < 2; ++i) {
      SCOPED_TRACE(i);
      const auto expected = Expected(31 + i, input.sentences[i].longest_output, is_allowed);
      EXPECT_GT(expected.size(), 1U);
      ASSERT_EQ(found[i].size(), expected.size());
      for (size_t n = 0; n < expected.size(); ++n) ExpectSame(found[i][n], expected[n]);
    }
  }
};

TEST_F(LimitedSearchTest, NoTranslationIsShorterThanAllowed) {
  SearchInput input = Input({4, 4});
  for (SearchedSentence& sentence : input.sentences) sentence.shortest_output = 2;
  Check(input, Options(40, 40, 1.0),
        [](const Hypothesis& h) { return h.sequence.tokens.size() >= 2; });
}

TEST_F(LimitedSearchTest, NoSequenceOfTokensOccursTwice) {
  DecodingConfig options = Options(40, 40, 1.0);
  options.no_repeat_ngram_size = 1;
  Check(Input({4, 4}), options, [](const Hypothesis& h) {
    const auto& tokens = h.sequence.tokens;
    return std::set(tokens.begin(), tokens.end()).size() == tokens.size();
  });
}

TEST_F(LimitedSearchTest, EveryTranslationBeginsWithTheTargetPrefix) {
  SearchInput input = Input({4, 4});
  for (SearchedSentence& sentence : input.sentences) sentence.target_prefix = {5, 4};
  Check(input, Options(40, 40, 1.0), [](const Hypothesis& h) {
    const auto& tokens = h.sequence.tokens;
    return tokens.size() >= 2 && tokens[0] == 5 && tokens[1] == 4;
  });
}

TEST_F(LimitedSearchTest, PrefixesMayHaveOtherLengthsInABatch) {
  SearchInput input = Input({5, 5, 5});
  input.sentences[0].target_prefix = {4, 6, 6, 5};
  input.sentences[2].target_prefix = {6};
  TableScorer scorer({1, 2, 3}, kVocabulary);
  const auto together = BeamSearch(scorer, input, Options(3, 3, 1.0));
  EXPECT_EQ(together[0][0].sequence.tokens, (std::vector<int32_t>{4, 6, 6, 5}));
  EXPECT_EQ(together[2][0].sequence.tokens[0], 6);
  for (size_t i = 0; i < 3; ++i) {
    TableScorer one({1 + i}, kVocabulary);
    SearchInput alone = Input({5});
    alone.sentences[0] = input.sentences[i];
    const auto found = BeamSearch(one, alone, Options(3, 3, 1.0))[0];
    ASSERT_EQ(found.size(), together[i].size());
    for (size_t n = 0; n < found.size(); ++n) ExpectSame(found[n], together[i][n]);
  }
}

TEST(BeamSearch, ScoresATranslationThatIsItsTargetPrefix) {
  TableScorer search({9}, kVocabulary);
  const auto found = BeamSearch(search, Input({6}), Options(4, 4, 0.7))[0];
  for (const Hypothesis& hypothesis : found) {
    SearchInput input = Input({static_cast<int64_t>(hypothesis.sequence.tokens.size()) + 1});
    input.sentences[0].target_prefix = hypothesis.sequence.tokens;
    TableScorer forced({9}, kVocabulary);
    const auto scored = BeamSearch(forced, input, Options(1, 1, 0.7))[0];
    ASSERT_EQ(scored.size(), 1U);
    ExpectSame(scored[0], hypothesis);
    EXPECT_EQ(scored[0].sequence.log_probs, hypothesis.sequence.log_probs);
    EXPECT_EQ(scored[0].end_log_prob, hypothesis.end_log_prob);
  }
}

TEST(BeamSearch, TokensAddUpToTheirTranslation) {
  TableScorer scorer({9}, kVocabulary);
  const auto all = BeamSearch(scorer, Input({6}), Options(4, 4, 0.7));
  for (const Hypothesis& hypothesis : all[0]) {
    double sum = hypothesis.end_log_prob;
    for (const float log_prob : hypothesis.sequence.log_probs) sum += log_prob;
    EXPECT_NEAR(sum, hypothesis.log_probability, 1e-5);
    EXPECT_EQ(hypothesis.sequence.log_probs.size(), hypothesis.sequence.tokens.size());
  }
}

// Wu et al. 2016, equation 14, with the attention that TableScorer gives.
TEST(BeamSearch, RanksByCoverage) {
  DecodingConfig options = Options(40, 40, 1.0);
  options.coverage_penalty = 0.7;
  SearchInput input = Input({4});
  input.watches_attention = true;
  TableScorer scorer({31}, kVocabulary);
  const auto found = BeamSearch(scorer, input, options)[0];
  ASSERT_EQ(found.size(), 40U);
  for (size_t n = 0; n < found.size(); ++n) {
    const std::vector<int32_t>& tokens = found[n].sequence.tokens;
    double first = TableScorer::AttentionToFirst(kSpecial.bos);
    std::vector<int32_t> attended = {};
    for (size_t i = 0; i < tokens.size(); ++i) {
      const int32_t before = i == 0 ? kSpecial.bos : tokens[i - 1];
      attended.push_back(TableScorer::AttentionToFirst(before) >= 0.45F ? 0 : 1);
      first += TableScorer::AttentionToFirst(tokens[i]);
    }
    const double second = 0.9 * static_cast<double>(tokens.size() + 1) - first;
    const double coverage = std::log(std::min(first, 1.0)) + std::log(std::min(second, 1.0));
    const double length_penalty = (6.0 + static_cast<double>(tokens.size())) / 6.0;
    EXPECT_NEAR(found[n].score, found[n].log_probability / length_penalty + 0.7 * coverage, 1e-5);
    EXPECT_LE(found[n].score, found[n == 0 ? 0 : n - 1].score);
    EXPECT_EQ(found[n].sequence.attended, attended);
  }
}

TEST(RepeatingTokens, AreThoseThatEndASequenceSeenBefore) {
  const std::vector<int32_t> sequence = {1, 2, 3, 1, 2, 4, 1, 2};
  EXPECT_EQ(RepeatingTokens(sequence, 3), (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(RepeatingTokens(sequence, 2), (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(RepeatingTokens(sequence, 1), (std::vector<int32_t>{1, 2, 3, 4}));
  EXPECT_EQ(RepeatingTokens(sequence, 4), (std::vector<int32_t>{}));
  EXPECT_EQ(RepeatingTokens(std::vector<int32_t>{}, 3), (std::vector<int32_t>{}));
  EXPECT_EQ(RepeatingTokens(std::vector<int32_t>{1, 1, 1}, 3), (std::vector<int32_t>{1}));
}

}  // namespace
}  // namespace wavemt
