#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <set>
#include <span>

#include "../model/small_model.h"
#include "decoding/beam_search.h"
#include "decoding/module_scorer.h"
#include "decoding/packed_scorer.h"
#include "model/masks.h"
#include "special_tokens.h"

namespace wavemt {
namespace {

constexpr int64_t kModelVocabulary = 30;

using Sentence = std::vector<int64_t>;

// Recomputes all positions of all hypotheses in each step.
class UncachedScorer : public StepScorer {
 public:
  UncachedScorer(Transformer model, const torch::Tensor& source, std::span<const int64_t> lengths,
                 const SpecialTokens& special)
      : model_(std::move(model)), special_(special) {
    mask_ = PaddingMask(torch::tensor(torch::IntArrayRef(lengths.data(), lengths.size())),
                        source.size(1));
    encoder_output_ = model_->Encode(source, mask_);
  }

  const NextTokens& Step(std::span<const int32_t> newest, std::span<const int32_t> wanted,
                         int64_t per_row) override {
    TakeLikeliest(LogProbs(newest), wanted, per_row, special_, &next_);
    return next_;
  }

  std::span<const float> StepAll(std::span<const int32_t> newest) override {
    all_ = LogProbs(newest).contiguous();
    return {all_.const_data_ptr<float>(), static_cast<size_t>(all_.numel())};
  }

  void WatchAttention(int64_t /*attention_layer*/) override {}
  std::span<const float> Attention(int64_t /*row*/) const override { return {}; }

  torch::Tensor LogProbs(std::span<const int32_t> newest) {
    const auto column =
        torch::tensor(c10::ArrayRef<int32_t>(newest.data(), newest.size()), torch::kLong)
            .unsqueeze(1);
    prefixes_ = prefixes_.defined() ? torch::cat({prefixes_, column}, 1) : column;
    const int64_t rows_per_sentence = column.size(0) / encoder_output_.size(0);
    const auto encoder_output = encoder_output_.repeat_interleave(rows_per_sentence, 0);
    const auto mask = mask_.repeat_interleave(rows_per_sentence, 0);
    const auto hidden = model_->Decode(prefixes_, encoder_output, mask).select(1, -1);
    return torch::log_softmax(model_->Project(hidden), -1, torch::kFloat);
  }

  void Select(std::span<const int32_t> sentences, std::span<const int32_t> rows) override {
    const auto of_sentences = Indices(sentences);
    encoder_output_ = encoder_output_.index_select(0, of_sentences);
    mask_ = mask_.index_select(0, of_sentences);
    prefixes_ = prefixes_.index_select(0, Indices(rows));
  }

 private:
  static torch::Tensor Indices(std::span<const int32_t> indices) {
    return torch::tensor(c10::ArrayRef<int32_t>(indices.data(), indices.size()), torch::kInt);
  }

  Transformer model_;
  SpecialTokens special_;
  torch::Tensor encoder_output_;
  torch::Tensor mask_;
  torch::Tensor prefixes_;
  torch::Tensor all_;
  NextTokens next_;
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
    std::vector<int64_t> lengths;
    std::vector<SearchedSentence> searched;
  };

  static Padded Pad(std::span<const Sentence> sentences) {
    size_t longest = 0;
    for (const Sentence& sentence : sentences) longest = std::max(longest, sentence.size());
    std::vector<torch::Tensor> rows;
    std::vector<int64_t> lengths;
    std::vector<SearchedSentence> searched;
    for (Sentence sentence : sentences) {
      lengths.push_back(static_cast<int64_t>(sentence.size()));
      searched.push_back({.longest_output = std::min<int64_t>(lengths.back() * 3 + 4, 30)});
      sentence.resize(longest, kSpecial.pad);
      rows.push_back(torch::tensor(sentence, torch::kLong));
    }
    return {.source = torch::stack(rows), .lengths = lengths, .searched = searched};
  }

  template <typename Scorer>
  std::vector<std::vector<Hypothesis>> Translate(std::span<const Sentence> sentences,
                                                 int64_t beam_size) {
    const Padded batch = Pad(sentences);
    Scorer scorer(model_, batch.source.to(device_), batch.lengths, kSpecial);
    DecodingConfig options;
    options.beam_size = beam_size;
    options.n_best = beam_size;
    return BeamSearch(scorer, {.sentences = batch.searched, .special = kSpecial}, options);
  }

  // Greedy search without a cache or batching.
  std::vector<int32_t> Greedy(const Sentence& sentence) {
    const Padded one = Pad({&sentence, 1});
    std::vector<int32_t> tokens;
    Sentence target = {kSpecial.bos};
    while (static_cast<int64_t>(target.size()) < one.searched[0].longest_output) {
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
    EXPECT_EQ(actual[n].sequence.tokens, expected[n].sequence.tokens) << "hypothesis " << n;
    EXPECT_NEAR(actual[n].score, expected[n].score, 1e-5) << "hypothesis " << n;
  }
}

TEST_P(SearchTest, BeamOneIsGreedy) {
  const auto sentences = RandomSentences(50);
  const auto found = Translate<ModuleScorer>(sentences, 1);
  std::set<size_t> lengths;
  for (size_t i = 0; i < sentences.size(); ++i) {
    ASSERT_EQ(found[i].size(), 1U);
    EXPECT_EQ(found[i][0].sequence.tokens, Greedy(sentences[i])) << "sentence " << i;
    lengths.insert(found[i][0].sequence.tokens.size());
  }
  EXPECT_GT(lengths.size(), 4U) << "the model is too simple to tell searches apart";
}

TEST_P(SearchTest, FindsTheSameWithAndWithoutTheCache) {
  const auto sentences = RandomSentences(200);
  constexpr size_t kRows = 25;
  for (size_t begin = 0; begin < sentences.size(); begin += kRows) {
    const std::span batch = std::span(sentences).subspan(begin, kRows);
    const auto cached = Translate<ModuleScorer>(batch, 5);
    const auto uncached = Translate<UncachedScorer>(batch, 5);
    for (size_t i = 0; i < kRows; ++i) {
      SCOPED_TRACE(begin + i);
      ExpectSameHypotheses(cached[i], uncached[i]);
    }
  }
}

TEST_P(SearchTest, FindsTheSameAloneAndInABatch) {
  const auto sentences = RandomSentences(40);
  const auto together = Translate<ModuleScorer>(sentences, 4);
  for (size_t i = 0; i < sentences.size(); ++i) {
    SCOPED_TRACE(i);
    ExpectSameHypotheses(Translate<ModuleScorer>({&sentences[i], 1}, 4)[0], together[i]);
  }
}

TEST_P(SearchTest, FindsTheSameOnAGpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "there is no GPU";
  const auto sentences = RandomSentences(40);
  const auto on_cpu = Translate<ModuleScorer>(sentences, 4);
  device_ = torch::kCUDA;
  model_->to(device_);
  const auto on_gpu = Translate<ModuleScorer>(sentences, 4);
  for (size_t i = 0; i < sentences.size(); ++i) {
    SCOPED_TRACE(i);
    ExpectSameHypotheses(on_gpu[i], on_cpu[i]);
  }
}

TEST_P(SearchTest, TheScoreIsTheModelsLogProbability) {
  const auto sentences = RandomSentences(10);
  const auto found = Translate<ModuleScorer>(sentences, 3);
  for (size_t i = 0; i < sentences.size(); ++i) {
    const Padded one = Pad({&sentences[i], 1});
    for (const Hypothesis& hypothesis : found[i]) {
      Sentence input = {kSpecial.bos};
      input.insert(input.end(), hypothesis.sequence.tokens.begin(),
                   hypothesis.sequence.tokens.end());
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

// The fast scorer against the plain one, in fp32.
class PackedScorerTest : public testing::TestWithParam<ProductKernels> {
 protected:
  PackedScorerTest() {
    ModelConfig config = SmallModelConfig();
    config.output_bias = true;
    model_ = MakeSmallModel(config, {.source = kManyTokens, .target = kManyTokens},
                            /*seed=*/3);
    for (auto& parameter : model_->parameters()) {
      if (parameter.dim() > 1) parameter.mul_(2);
    }
  }

  // Vocabularies of several blocks of columns; the last block is not full.
  static constexpr int64_t kManyTokens = 600;

  std::unique_ptr<PackedTransformer> Packed(DecodingPrecision precision) const {
    return std::make_unique<PackedTransformer>(
        model_, PackedTransformer::Options{.precision = precision, .kernels = GetParam()});
  }

  bool HasKernels() const {
    return GetParam() == ProductKernels::kLibTorch ||
           BestKernels(DecodingPrecision::kFp32) == ProductKernels::kOneDnn;
  }

  torch::NoGradGuard no_grad_;
  Transformer model_{nullptr};
  const torch::Tensor source_ = torch::tensor({{5, 6, 9, 3}, {7, 8, 3, 0}}, torch::kLong);
  const std::vector<int64_t> lengths_ = {4, 3};
};

void ExpectSameNext(const NextTokens& actual, const NextTokens& expected) {
  EXPECT_EQ(actual.tokens, expected.tokens);
  ASSERT_EQ(actual.log_probs.size(), expected.log_probs.size());
  for (size_t i = 0; i < actual.log_probs.size(); ++i) {
    EXPECT_NEAR(actual.log_probs[i], expected.log_probs[i], 1e-4) << i;
  }
  ASSERT_EQ(actual.of_wanted.size(), expected.of_wanted.size());
  for (size_t i = 0; i < actual.of_wanted.size(); ++i) {
    EXPECT_NEAR(actual.of_wanted[i], expected.of_wanted[i], 1e-4) << i;
  }
}

void ExpectSameAttention(const StepScorer& actual, const StepScorer& expected, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row) {
    const std::vector<float> of_row(actual.Attention(row).begin(), actual.Attention(row).end());
    ASSERT_EQ(of_row.size(), expected.Attention(row).size());
    EXPECT_EQ(of_row.size(), row < rows / 2 ? 4U : 3U);
    float sum = 0;
    for (size_t i = 0; i < of_row.size(); ++i) {
      EXPECT_NEAR(of_row[i], expected.Attention(row)[i], 1e-5);
      sum += of_row[i];
    }
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST_P(PackedScorerTest, GivesAllProbabilities) {
  if (!HasKernels()) GTEST_SKIP() << "this processor lacks the instructions";
  const auto packed = Packed(DecodingPrecision::kFp32);
  InferenceMemory memory;
  PackedScorer fast(*packed, source_, lengths_, kSpecial, &memory);
  ModuleScorer plain(model_, source_, lengths_, kSpecial);
  std::vector<int32_t> newest = {2, 2};
  for (int step = 0; step < 4; ++step) {
    const std::span<const float> found = fast.StepAll(newest);
    const std::span<const float> expected = plain.StepAll(newest);
    ASSERT_EQ(found.size(), newest.size() * kManyTokens);
    ASSERT_EQ(expected.size(), found.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-4);
    // As in sampling: each draw is a sentence of its own.
    const std::vector<int32_t> rows =
        step == 0 ? std::vector<int32_t>{0, 0, 1, 1, 1} : std::vector<int32_t>{0, 1, 2, 3, 4};
    fast.Select(rows, rows);
    plain.Select(rows, rows);
    newest = {11, 12, 13, 14, 15};
  }
}

TEST_P(PackedScorerTest, FindsTheSameTokensAsTheModules) {
  if (!HasKernels()) GTEST_SKIP() << "this processor lacks the instructions";
  const auto packed = Packed(DecodingPrecision::kFp32);
  InferenceMemory memory;
  PackedScorer fast(*packed, source_, lengths_, kSpecial, &memory);
  ModuleScorer plain(model_, source_, lengths_, kSpecial);
  fast.WatchAttention(1);
  plain.WatchAttention(1);
  const std::vector<int32_t> sentences = {0, 1};
  const std::vector<int32_t> rows = {0, 0, 0, 1, 1, 1};
  std::vector<int32_t> newest = {2, 2};
  for (int step = 0; step < 6; ++step) {
    SCOPED_TRACE(step);
    std::vector<int32_t> wanted(newest.size(), kSpecial.eos);
    wanted.front() = 310;
    const NextTokens& expected = plain.Step(newest, wanted, 10);
    ExpectSameNext(fast.Step(newest, wanted, 10), expected);
    ExpectSameAttention(fast, plain, static_cast<int64_t>(newest.size()));
    if (step == 0) {
      fast.Select(sentences, rows);
      plain.Select(sentences, rows);
      newest = {11, 12, 13, 14, 15, 16};
    }
  }
}

TEST_P(PackedScorerTest, ARestrictionLeavesTheOtherTokensOut) {
  if (!HasKernels()) GTEST_SKIP() << "this processor lacks the instructions";
  const auto packed = Packed(DecodingPrecision::kFp32);
  InferenceMemory memory;
  PackedScorer fast(*packed, source_, lengths_, kSpecial, &memory);
  const std::vector<int32_t> allowed = {3, 7, 80, 81, 300, 599};
  fast.Restrict(allowed);
  const NextTokens& found = fast.Step(std::vector<int32_t>{2, 2}, std::vector<int32_t>{3, 81}, 8);
  const auto mask =
      torch::tensor({{true, true, true, true}, {true, true, true, false}}).view({2, 1, 1, 4});
  const auto logits = model_(source_, mask, torch::full({2, 1}, 2, torch::kLong)).squeeze(1);
  const auto ids = torch::tensor({3, 7, 80, 81, 300, 599}, torch::kLong);
  const auto log_probs = torch::log_softmax(logits.index_select(1, ids), -1);
  for (int64_t row = 0; row < 2; ++row) {
    const auto [sorted, order] = log_probs[row].sort(/*dim=*/-1, /*descending=*/true);
    for (int64_t i = 0; i < 6; ++i) {
      const auto at = static_cast<size_t>(row * 8 + i);
      EXPECT_EQ(found.tokens[at], ids[order[i].item<int64_t>()].item<int64_t>());
      EXPECT_NEAR(found.log_probs[at], sorted[i].item<float>(), 1e-4);
    }
    EXPECT_EQ(found.log_probs[static_cast<size_t>(row * 8 + 6)], kImpossible);
    const auto wanted = log_probs[row][row == 0 ? 0 : 3].item<float>();
    EXPECT_NEAR(found.of_wanted[static_cast<size_t>(row)], wanted, 1e-4);
  }
}

TEST_P(PackedScorerTest, ARestrictionMakesTheOtherTokensImpossible) {
  if (!HasKernels()) GTEST_SKIP() << "this processor lacks the instructions";
  const auto packed = Packed(DecodingPrecision::kFp32);
  const std::vector<int32_t> allowed = {3, 7, 80, 81, 300, 599};
  const std::vector<int32_t> newest = {2, 2};
  InferenceMemory memory;
  PackedScorer likeliest(*packed, source_, lengths_, kSpecial, &memory);
  likeliest.Restrict(allowed);
  const NextTokens next = likeliest.Step(newest, std::vector<int32_t>{3, 3}, 6);
  PackedScorer all(*packed, source_, lengths_, kSpecial, &memory);
  all.Restrict(allowed);
  const std::span<const float> log_probs = all.StepAll(newest);
  ASSERT_EQ(log_probs.size(), 2U * kManyTokens);
  for (size_t row = 0; row < 2; ++row) {
    const auto of_row = log_probs.subspan(row * kManyTokens, kManyTokens);
    EXPECT_EQ(std::ranges::count_if(of_row, [](float p) { return p > kImpossible; }), 6);
    for (size_t i = row * 6; i < row * 6 + 6; ++i) {
      EXPECT_NEAR(of_row[static_cast<size_t>(next.tokens[i])], next.log_probs[i], 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, PackedScorerTest,
                         testing::Values(ProductKernels::kOneDnn, ProductKernels::kLibTorch),
                         [](const auto& info) {
                           return info.param == ProductKernels::kOneDnn ? "oneDNN" : "LibTorch";
                         });

TEST(ModuleScorer, GivesProbabilities) {
  const torch::NoGradGuard no_grad;
  const Transformer model = MakeSmallModel(
      SmallModelConfig(), {.source = kModelVocabulary, .target = kModelVocabulary}, 1);
  const auto source = torch::tensor({{5, 6, 3}, {7, 8, 3}}, torch::kLong);
  ModuleScorer scorer(model, source, std::vector<int64_t>{3, 3}, kSpecial);
  const NextTokens& next =
      scorer.Step(std::vector<int32_t>{2, 2}, std::vector<int32_t>{3, 3}, kModelVocabulary);
  double sum = 0;
  for (int64_t i = 0; i < kModelVocabulary; ++i) {
    sum += std::exp(next.log_probs[static_cast<size_t>(i)]);
  }
  EXPECT_LT(sum, 1) << "<pad>, <s> and <unk> have probabilities, too";
  EXPECT_GT(sum, 0.5);
}

}  // namespace
}  // namespace wavemt
