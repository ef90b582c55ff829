#include "decoding/cached_scorer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <span>

#include "../model/small_model.h"
#include "decoding/beam_search.h"
#include "model/masks.h"
#include "special_tokens.h"

namespace wavemt {
namespace {

constexpr int64_t kModelVocabulary = 30;

using Sentence = std::vector<int64_t>;

// Recomputes all positions of all hypotheses in each step.
class UncachedScorer : public StepScorer {
 public:
  UncachedScorer(Transformer model, const torch::Tensor& source, const torch::Tensor& mask)
      : model_(std::move(model)), encoder_output_(model_->Encode(source, mask)), mask_(mask) {}

  torch::Tensor Step(const torch::Tensor& newest) override {
    const auto column = newest.unsqueeze(1);
    prefixes_ = prefixes_.defined() ? torch::cat({prefixes_, column}, 1) : column;
    const int64_t rows_per_sentence = newest.size(0) / encoder_output_.size(0);
    const auto encoder_output = encoder_output_.repeat_interleave(rows_per_sentence, 0);
    const auto mask = mask_.repeat_interleave(rows_per_sentence, 0);
    const auto hidden = model_->Decode(prefixes_, encoder_output, mask).select(1, -1);
    return torch::log_softmax(model_->Project(hidden), -1, torch::kFloat);
  }

  void SelectRows(const torch::Tensor& rows) override {
    prefixes_ = prefixes_.index_select(0, rows);
  }
  void SelectSentences(const torch::Tensor& sentences) override {
    encoder_output_ = encoder_output_.index_select(0, sentences);
    mask_ = mask_.index_select(0, sentences);
  }

 private:
  Transformer model_;
  torch::Tensor encoder_output_;
  torch::Tensor mask_;
  torch::Tensor prefixes_;
};

// Double precision, so that rounding does not make two computations of the same scores rank them
// differently. The random weights are large enough for the next token to depend on the whole
// prefix.
class SearchTest : public testing::TestWithParam<LayerNormPlacement> {
 protected:
  SearchTest() {
    ModelConfig config = SmallModelConfig();
    config.layer_norm = GetParam();
    config.position_encoding.max_length = 40;
    model_ = MakeSmallModel(config, {.source = kModelVocabulary, .target = kModelVocabulary},
                            /*seed=*/21);
    model_->to(torch::kDouble);
    for (auto& parameter : model_->parameters()) {
      if (parameter.dim() > 1) parameter.mul_(2);
    }
  }

  std::vector<Sentence> RandomSentences(size_t count) {
    std::vector<Sentence> sentences(count);
    for (Sentence& sentence : sentences) {
      sentence.resize(1 + generator_() % 12);
      for (int64_t& id : sentence)
        id = 4 + static_cast<int64_t>(generator_() % (kModelVocabulary - 4));
      sentence.back() = kSpecial.eos;
    }
    return sentences;
  }

  struct Padded {
    torch::Tensor source;
    torch::Tensor mask;
    std::vector<int64_t> longest_output;
  };

  static Padded Pad(std::span<const Sentence> sentences) {
    size_t longest = 0;
    for (const Sentence& sentence : sentences) longest = std::max(longest, sentence.size());
    std::vector<torch::Tensor> rows;
    std::vector<int64_t> lengths;
    std::vector<int64_t> longest_output;
    for (Sentence sentence : sentences) {
      lengths.push_back(static_cast<int64_t>(sentence.size()));
      longest_output.push_back(std::min<int64_t>(lengths.back() * 3 + 4, 30));
      sentence.resize(longest, kSpecial.pad);
      rows.push_back(torch::tensor(sentence, torch::kLong));
    }
    return {
        .source = torch::stack(rows),
        .mask = PaddingMask(torch::tensor(lengths, torch::kLong), static_cast<int64_t>(longest)),
        .longest_output = longest_output};
  }

  template <typename Scorer>
  std::vector<std::vector<Hypothesis>> Translate(std::span<const Sentence> sentences,
                                                 int64_t beam_size) {
    const Padded batch = Pad(sentences);
    Scorer scorer(model_, batch.source.to(device_), batch.mask.to(device_));
    DecodingConfig options;
    options.beam_size = beam_size;
    options.n_best = beam_size;
    return BeamSearch(
        scorer, {.longest_output = batch.longest_output, .special = kSpecial, .device = device_},
        options);
  }

  // Greedy search without a cache or batching.
  std::vector<int32_t> Greedy(const Sentence& sentence) {
    const Padded one = Pad({&sentence, 1});
    std::vector<int32_t> tokens;
    Sentence target = {kSpecial.bos};
    while (static_cast<int64_t>(target.size()) < one.longest_output[0]) {
      auto logits = model_(one.source, torch::Tensor(),
                           torch::tensor(target, torch::kLong).unsqueeze(0))[0][-1];
      for (const int32_t never : {kSpecial.pad, kSpecial.unk, kSpecial.bos}) {
        logits[never] = -INFINITY;
      }
      target.push_back(logits.argmax().template item<int64_t>());
      if (target.back() == kSpecial.eos) break;
      tokens.push_back(static_cast<int32_t>(target.back()));
    }
    return tokens;
  }

  torch::NoGradGuard no_grad_;
  std::mt19937_64 generator_{17};
  Transformer model_{nullptr};
  torch::Device device_ = torch::kCPU;
};

void ExpectSameHypotheses(const std::vector<Hypothesis>& actual,
                          const std::vector<Hypothesis>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t n = 0; n < expected.size(); ++n) {
    EXPECT_EQ(actual[n].tokens, expected[n].tokens) << "hypothesis " << n;
    EXPECT_NEAR(actual[n].score, expected[n].score, 1e-5) << "hypothesis " << n;
  }
}

TEST_P(SearchTest, BeamOneIsGreedy) {
  const auto sentences = RandomSentences(50);
  const auto found = Translate<CachedScorer>(sentences, 1);
  std::set<size_t> lengths;
  for (size_t i = 0; i < sentences.size(); ++i) {
    ASSERT_EQ(found[i].size(), 1U);
    EXPECT_EQ(found[i][0].tokens, Greedy(sentences[i])) << "sentence " << i;
    lengths.insert(found[i][0].tokens.size());
  }
  EXPECT_GT(lengths.size(), 4U) << "the model is too simple to tell searches apart";
}

TEST_P(SearchTest, FindsTheSameWithAndWithoutTheCache) {
  const auto sentences = RandomSentences(200);
  constexpr size_t kRows = 25;
  for (size_t begin = 0; begin < sentences.size(); begin += kRows) {
    const std::span batch = std::span(sentences).subspan(begin, kRows);
    const auto cached = Translate<CachedScorer>(batch, 5);
    const auto uncached = Translate<UncachedScorer>(batch, 5);
    for (size_t i = 0; i < kRows; ++i) {
      SCOPED_TRACE(begin + i);
      ExpectSameHypotheses(cached[i], uncached[i]);
    }
  }
}

TEST_P(SearchTest, FindsTheSameAloneAndInABatch) {
  const auto sentences = RandomSentences(40);
  const auto together = Translate<CachedScorer>(sentences, 4);
  for (size_t i = 0; i < sentences.size(); ++i) {
    SCOPED_TRACE(i);
    ExpectSameHypotheses(Translate<CachedScorer>({&sentences[i], 1}, 4)[0], together[i]);
  }
}

TEST_P(SearchTest, FindsTheSameOnAGpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "there is no GPU";
  const auto sentences = RandomSentences(40);
  const auto on_cpu = Translate<CachedScorer>(sentences, 4);
  device_ = torch::kCUDA;
  model_->to(device_);
  const auto on_gpu = Translate<CachedScorer>(sentences, 4);
  for (size_t i = 0; i < sentences.size(); ++i) {
    SCOPED_TRACE(i);
    ExpectSameHypotheses(on_gpu[i], on_cpu[i]);
  }
}

TEST_P(SearchTest, TheScoreIsTheModelsLogProbability) {
  const auto sentences = RandomSentences(10);
  const auto found = Translate<CachedScorer>(sentences, 3);
  for (size_t i = 0; i < sentences.size(); ++i) {
    const Padded one = Pad({&sentences[i], 1});
    for (const Hypothesis& hypothesis : found[i]) {
      Sentence input = {kSpecial.bos};
      input.insert(input.end(), hypothesis.tokens.begin(), hypothesis.tokens.end());
      Sentence labels(input.begin() + 1, input.end());
      labels.push_back(kSpecial.eos);
      const auto logits =
          model_(one.source, torch::Tensor(), torch::tensor(input, torch::kLong).unsqueeze(0));
      const auto log_p = torch::log_softmax(logits[0], -1);
      const auto picked = log_p.gather(1, torch::tensor(labels, torch::kLong).unsqueeze(1));
      EXPECT_NEAR(hypothesis.log_probability, picked.sum().template item<double>(), 1e-4);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Norm, SearchTest,
                         testing::Values(LayerNormPlacement::kPre, LayerNormPlacement::kPost),
                         [](const auto& info) {
                           return info.param == LayerNormPlacement::kPre ? "pre" : "post";
                         });

TEST(CachedScorer, NeedsNoMaskWithoutPadding) {
  const Transformer model = MakeSmallModel(
      SmallModelConfig(), {.source = kModelVocabulary, .target = kModelVocabulary}, 1);
  const torch::NoGradGuard no_grad;
  const auto source = torch::tensor({{5, 6, 3}, {7, 8, 3}}, torch::kLong);
  const auto newest = torch::tensor({2, 2}, torch::kLong);
  CachedScorer without(model, source, {});
  CachedScorer with(model, source, PaddingMask(torch::tensor({3, 3}, torch::kLong), 3));
  const auto log_probs = without.Step(newest);
  EXPECT_TRUE(torch::allclose(log_probs, with.Step(newest), 0, 1e-5));
  EXPECT_TRUE(torch::allclose(log_probs.exp().sum(-1), torch::ones({2})));
}

}  // namespace
}  // namespace wavemt
