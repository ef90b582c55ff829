// R-Drop's loss and its gradients (Liang et al. 2021), by itself and in an update.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "checkpoint/named_tensors.h"
#include "copy_task_model.h"
#include "failing_allocator.h"
#include "model/autocast.h"
#include "support/bfloat16.h"
#include "training/cross_entropy_kernel.h"
#include "training/device_batch.h"
#include "training/loss.h"
#include "training/update.h"

namespace wavemt {
namespace {

class RDropLossTest : public testing::Test {
 protected:
  struct Result {
    double loss = 0;
    torch::Tensor hidden{};  // The gradients.
    torch::Tensor weight{};
    torch::Tensor bias{};  // Undefined without one.
  };

  // Two passes over `rows` sentences of `length` tokens: other hidden states, the same labels.
  void Draw(int64_t rows, int64_t length, int64_t d_model, int64_t vocabulary) {
    torch::manual_seed(7);
    const auto first = torch::randn({rows, length, d_model});
    hidden_ = torch::cat({first, first + 0.5 * torch::randn_like(first)});
    weight_ = torch::randn({vocabulary, d_model});
    auto labels = torch::randint(0, vocabulary, {rows, length}, torch::kLong);
    labels.masked_fill_(torch::rand({rows, length}) < 0.3, kIgnoredLabel);
    labels_ = torch::cat({labels, labels});
  }

  // The gradient is halved on its way back, just as training divides the loss by the number of
  // tokens.
  Result Ours(const LossOptions& options) const {
    const auto hidden = hidden_.clone().requires_grad_();
    const auto weight = weight_.clone().requires_grad_();
    const auto bias = bias_.defined() ? bias_.clone().requires_grad_() : torch::Tensor();
    const auto loss = ProjectedCrossEntropy(
        hidden, {weight, bias}, {.labels = labels_, .weights = label_weights_}, options);
    EXPECT_EQ(loss.dim(), 0);
    EXPECT_EQ(loss.scalar_type(), torch::kFloat);
    (loss / 2).backward();
    return {.loss = loss.item<double>(),
            .hidden = hidden.grad(),
            .weight = weight.grad(),
            .bias = bias.defined() ? bias.grad() : torch::Tensor()};
  }

  // The formula with LibTorch's own functions and whole logits, in double precision.
  Result Reference(const LossOptions& options) const {
    namespace functional = torch::nn::functional;
    const auto hidden = hidden_.to(torch::kDouble).requires_grad_();
    const auto weight = weight_.to(torch::kDouble).requires_grad_();
    const auto bias = bias_.defined() ? bias_.to(torch::kDouble).requires_grad_() : torch::Tensor();
    const auto logits = torch::linear(hidden, weight, bias).view({-1, weight.size(0)});
    const auto labels = labels_.view(-1);
    const auto cross_entropies =
        functional::cross_entropy(logits, labels,
                                  functional::CrossEntropyFuncOptions()
                                      .ignore_index(kIgnoredLabel)
                                      .label_smoothing(options.label_smoothing)
                                      .reduction(torch::kNone));
    const auto log_probs = torch::log_softmax(logits, 1).chunk(2);
    const auto divergence = [](const torch::Tensor& from, const torch::Tensor& to) {
      const auto pointwise = functional::kl_div(
          to, from, functional::KLDivFuncOptions().reduction(torch::kNone).log_target(true));
      return pointwise.sum(1);
    };
    auto losses =
        cross_entropies.view({2, -1}).mean(0) +
        options.r_drop_alpha / 4 *
            (divergence(log_probs[0], log_probs[1]) + divergence(log_probs[1], log_probs[0])) *
            labels.chunk(2)[0].ne(kIgnoredLabel);
    if (label_weights_.defined()) losses = losses * label_weights_.reshape(-1).chunk(2)[0];
    const auto sum = losses.sum();
    (sum / 2).backward();
    return {.loss = sum.item<double>(),
            .hidden = hidden.grad(),
            .weight = weight.grad(),
            .bias = bias.defined() ? bias.grad() : torch::Tensor()};
  }

  // The tolerance is relative to the largest element.
  static void ExpectClose(const torch::Tensor& ours, const torch::Tensor& theirs,
                          double tolerance) {
    ASSERT_EQ(ours.sizes(), theirs.sizes());
    EXPECT_LE((ours - theirs).abs().max().item<double>(),
              tolerance * theirs.abs().max().item<double>());
  }

  static void ExpectClose(const Result& ours, const Result& theirs, double tolerance) {
    EXPECT_NEAR(ours.loss / theirs.loss, 1.0, tolerance);
    ExpectClose(ours.hidden, theirs.hidden, tolerance);
    ExpectClose(ours.weight, theirs.weight, tolerance);
    if (theirs.bias.defined()) ExpectClose(ours.bias, theirs.bias, tolerance);
  }

  void ExpectReference(double tolerance) const {
    for (const double label_smoothing : {0.0, 0.1}) {
      for (const double alpha : {0.3, 5.0}) {
        SCOPED_TRACE(testing::Message() << weight_.size(0) << " pieces, smoothing "
                                        << label_smoothing << ", alpha " << alpha);
        const LossOptions options{.label_smoothing = label_smoothing, .r_drop_alpha = alpha};
        ExpectClose(Ours(options), Reference(options), tolerance);
      }
    }
  }

  torch::Tensor hidden_;  // [2 * rows, length, d_model]
  torch::Tensor weight_;
  torch::Tensor bias_;           // Undefined: the output layer has none.
  torch::Tensor labels_;         // [2 * rows, length]
  torch::Tensor label_weights_;  // [2 * rows, length]; undefined: all are 1.
};

// p = (1/2, 1/4, 1/4), q = (1/4, 1/2, 1/4), label 1: the cross-entropies are ln 4 and ln 2, and
// each divergence is 1/2 ln 2 - 1/4 ln 2.
TEST_F(RDropLossTest, IsWhatAHandComputes) {
  hidden_ = torch::log(torch::tensor({{{0.5, 0.25, 0.25}}, {{0.25, 0.5, 0.25}}}));
  weight_ = torch::eye(3);
  labels_ = torch::tensor({{1}, {1}}, torch::kLong);
  const double ln2 = std::log(2.0);
  EXPECT_NEAR(Ours({.r_drop_alpha = 1.0}).loss, 1.5 * ln2 + 0.25 * 0.5 * ln2, 1e-6);
  EXPECT_NEAR(Ours({.r_drop_alpha = 4.0}).loss, 1.5 * ln2 + 0.5 * ln2, 1e-6);
}

TEST_F(RDropLossTest, IsThatOfWholeLogitsAndSoAreItsGradients) {
  // Sizes below, at and above the size of a vector register.
  for (const int64_t vocabulary : {2, 5, 7, 8, 16, 31, 33, 100, 1003}) {
    Draw(3, 5, 6, vocabulary);
    ExpectReference(1e-5);
  }
}

TEST_F(RDropLossTest, SoItIsWithABiasAndWeights) {
  for (const int64_t vocabulary : {7, 33, 1003}) {
    Draw(3, 5, 6, vocabulary);
    bias_ = torch::randn({vocabulary});
    // One for each row, as training has them.
    label_weights_ = torch::tensor({0.25, 1.0, 3.0}).repeat({2}).unsqueeze(1).expand({6, 5});
    ExpectReference(1e-5);
  }
}

TEST_F(RDropLossTest, HoldsWithoutPadding) {
  Draw(3, 5, 6, 33);
  labels_.clamp_min_(0);
  ExpectReference(1e-5);
}

TEST_F(RDropLossTest, TheBlocksOfALargeVocabularyAddUp) {
  // A block holds 40 rows of 100,000 pieces; both passes over 39 positions need several.
  Draw(3, 13, 16, 100'000);
  const auto weights = torch::rand({3, 13});
  label_weights_ = torch::cat({weights, weights});
  const LossOptions options{.label_smoothing = 0.1, .r_drop_alpha = 5.0};
  ExpectClose(Ours(options), Reference(options), 1e-4);
}

TEST_F(RDropLossTest, APairStaysTogetherWhereABlockHasRoomForLess) {
  // A block of 16 MiB has room for one row of these.
  Draw(1, 2, 1, 2'200'000);
  labels_.clamp_min_(0);
  hidden_ = hidden_.narrow(0, 0, 1).repeat({2, 1, 1});
  const Result pairs = Ours({.label_smoothing = 0.1, .r_drop_alpha = 5.0});
  const Result plain = Ours({.label_smoothing = 0.1});
  EXPECT_NEAR(pairs.loss / (plain.loss / 2), 1.0, 1e-5);
  ExpectClose(pairs.weight, plain.weight / 2, 1e-5);
}

TEST_F(RDropLossTest, HoldsForLargeLogits) {
  Draw(4, 4, 6, 50);
  hidden_ *= 100;
  ExpectReference(1e-4);  // The products round logits of several hundred.
}

// The divergences are 0, and each of the two passes has half of the gradient.
TEST_F(RDropLossTest, OfTwoPassesThatAreTheSameIsThePlainOne) {
  Draw(3, 5, 6, 33);
  hidden_ = hidden_.narrow(0, 0, 3).repeat({2, 1, 1});
  const Result ours = Ours({.label_smoothing = 0.1, .r_drop_alpha = 5.0});
  Result plain = Ours({.label_smoothing = 0.1});  // The sum over both passes.
  plain.loss /= 2;
  plain.hidden /= 2;
  plain.weight /= 2;
  ExpectClose(ours, plain, 1e-6);
}

TEST_F(RDropLossTest, WithoutAlphaIsTheSumOverAllRows) {
  Draw(3, 5, 6, 33);
  const Result both = Ours({.label_smoothing = 0.1, .r_drop_alpha = 0.0});
  const torch::Tensor hidden = hidden_;
  const torch::Tensor labels = labels_;
  double sum = 0;
  std::vector<torch::Tensor> gradients;
  for (const int64_t half : {0, 1}) {
    hidden_ = hidden.chunk(2)[static_cast<size_t>(half)];
    labels_ = labels.chunk(2)[static_cast<size_t>(half)];
    const Result result = Ours({.label_smoothing = 0.1});
    sum += result.loss;
    gradients.push_back(result.hidden);
  }
  EXPECT_NEAR(both.loss / sum, 1.0, 1e-6);
  EXPECT_TRUE(torch::equal(both.hidden, torch::cat(gradients)));
}

TEST_F(RDropLossTest, OfNothingLabelledIsZeroWithZeroGradients) {
  Draw(2, 3, 4, 9);
  labels_.fill_(kIgnoredLabel);
  const Result ours = Ours({.label_smoothing = 0.1, .r_drop_alpha = 5.0});
  EXPECT_EQ(ours.loss, 0.0);
  EXPECT_EQ(ours.hidden.abs().max().item<double>(), 0.0);
  EXPECT_EQ(ours.weight.abs().max().item<double>(), 0.0);
}

TEST_F(RDropLossTest, IgnoredPositionsHaveNoGradient) {
  Draw(4, 6, 4, 9);
  const auto ignored = (labels_ == kIgnoredLabel).unsqueeze(-1);
  ASSERT_TRUE(ignored.any().item<bool>());
  EXPECT_EQ((Ours({.r_drop_alpha = 5.0}).hidden * ignored).abs().max().item<double>(), 0.0);
}

TEST_F(RDropLossTest, AFrozenWeightGetsNoneAndChangesNoOther) {
  Draw(4, 6, 4, 9);
  const LossOptions options{.label_smoothing = 0.1, .r_drop_alpha = 5.0};
  const auto hidden = hidden_.clone().requires_grad_();
  (ProjectedCrossEntropy(hidden, weight_, {.labels = labels_}, options) / 2).backward();
  EXPECT_TRUE(torch::equal(hidden.grad(), Ours(options).hidden));
  EXPECT_FALSE(weight_.grad().defined());
}

TEST_F(RDropLossTest, IsTheSameWithoutGradients) {
  Draw(4, 6, 4, 9);
  const LossOptions options{.label_smoothing = 0.1, .r_drop_alpha = 5.0};
  EXPECT_EQ(ProjectedCrossEntropy(hidden_, weight_, {.labels = labels_}, options).item<double>(),
            Ours(options).loss);
}

TEST_F(RDropLossTest, UnderAutocastIsStillFp32AndNearTheExactOne) {
  Draw(8, 8, 16, 40);
  const LossOptions options{.label_smoothing = 0.1, .r_drop_alpha = 5.0};
  const Result exact = Ours(options);
  const Autocast autocast(torch::kCPU, Precision::kBf16);
  const Result rough = Ours(options);
  EXPECT_NE(rough.loss, exact.loss);
  EXPECT_EQ(rough.hidden.scalar_type(), torch::kFloat);
  EXPECT_EQ(rough.weight.scalar_type(), torch::kFloat);
  ExpectClose(rough, exact, 0.03);
}

// The kernel against the same formula in double precision.
class RDropRowsTest : public testing::Test {
 protected:
  struct Rows {
    std::vector<float> first{};
    std::vector<float> second{};
    double loss = 0;
  };

  static std::vector<double> LogProbs(const std::vector<float>& logits) {
    double largest = -std::numeric_limits<double>::infinity();
    for (const float logit : logits) largest = std::max(largest, static_cast<double>(logit));
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - largest);
    std::vector<double> log_probs;
    for (const float logit : logits) log_probs.push_back(logit - largest - std::log(sum));
    return log_probs;
  }

  static Rows Exact(const Rows& logits, size_t label, double label_smoothing, double alpha) {
    const std::vector<double> log_p = LogProbs(logits.first);
    const std::vector<double> log_q = LogProbs(logits.second);
    const size_t size = log_p.size();
    const double spread = label_smoothing / static_cast<double>(size);
    double cross_entropies = 0;
    double p_to_q = 0;
    double q_to_p = 0;
    for (size_t i = 0; i < size; ++i) {
      const double target = spread + (i == label ? 1 - label_smoothing : 0);
      cross_entropies -= target * (log_p[i] + log_q[i]);
      p_to_q += std::exp(log_p[i]) * (log_p[i] - log_q[i]);
      q_to_p += std::exp(log_q[i]) * (log_q[i] - log_p[i]);
    }
    Rows exact{.loss = cross_entropies / 2 + alpha / 4 * (p_to_q + q_to_p)};
    for (size_t i = 0; i < size; ++i) {
      const double target = spread + (i == label ? 1 - label_smoothing : 0);
      const double p = std::exp(log_p[i]);
      const double q = std::exp(log_q[i]);
      const double ratio = log_p[i] - log_q[i];
      exact.first.push_back(
          static_cast<float>((p - target) / 2 + alpha / 4 * (p * (ratio - p_to_q) + p - q)));
      exact.second.push_back(
          static_cast<float>((q - target) / 2 + alpha / 4 * (q * (-ratio - q_to_p) + q - p)));
    }
    return exact;
  }

  static void ExpectClose(const std::vector<float>& ours, const std::vector<float>& exact,
                          double tolerance) {
    double largest = 0;
    for (const float value : exact) largest = std::max(largest, std::abs(double{value}));
    for (size_t i = 0; i < ours.size(); ++i) {
      EXPECT_NEAR(ours[i], exact[i], tolerance * largest) << i;
    }
  }

  static Rows Drawn(size_t size, float scale) {
    std::mt19937 random(static_cast<uint32_t>(size));
    std::normal_distribution<float> normal(0, scale);
    Rows logits;
    for (size_t i = 0; i < size; ++i) {
      logits.first.push_back(normal(random));
      logits.second.push_back(logits.first.back() + 0.3F * normal(random));
    }
    return logits;
  }

  static Rows Ours(Rows logits, size_t label, float label_smoothing, float alpha) {
    std::vector<float> scratch(logits.first.size());
    logits.loss = RDropRows(logits.first.data(), logits.second.data(), scratch.data(),
                            static_cast<int64_t>(scratch.size()), static_cast<int64_t>(label),
                            label_smoothing, alpha);
    return logits;
  }
};

TEST_F(RDropRowsTest, IsTheFormulaInDoublePrecision) {
  for (const size_t size : {1, 2, 3, 7, 8, 9, 15, 17, 31, 64, 333, 8001}) {
    for (const float scale : {0.1F, 3.0F, 100.0F, 10'000.0F}) {
      for (const float alpha : {0.0F, 0.7F, 5.0F}) {
        SCOPED_TRACE(testing::Message() << size << " logits of " << scale << ", alpha " << alpha);
        const Rows logits = Drawn(size, scale);
        const size_t label = size / 2;
        const Rows exact = Exact(logits, label, 0.1F, alpha);
        const Rows ours = Ours(logits, label, 0.1F, alpha);
        EXPECT_NEAR(ours.loss, exact.loss, 1e-5 * std::abs(exact.loss) + 1e-6);
        ExpectClose(ours.first, exact.first, 2e-5);
        ExpectClose(ours.second, exact.second, 2e-5);
      }
    }
  }
}

TEST_F(RDropRowsTest, OfBfloat16IsThatOfTheSameNumbersInFp32) {
  for (const size_t size : {1, 7, 16, 333}) {
    SCOPED_TRACE(size);
    Rows logits = Drawn(size, 3.0F);
    std::vector<uint16_t> first;
    std::vector<uint16_t> second;
    for (size_t i = 0; i < size; ++i) {
      first.push_back(ToBfloat16(logits.first[i]));
      second.push_back(ToBfloat16(logits.second[i]));
      logits.first[i] = FromBfloat16(first[i]);
      logits.second[i] = FromBfloat16(second[i]);
    }
    std::vector<float> scratch(3 * size);
    const float loss = RDropRows(first.data(), second.data(), scratch.data(),
                                 static_cast<int64_t>(size), 0, 0.1F, 5.0F);
    const Rows exact = Ours(logits, 0, 0.1F, 5.0F);
    EXPECT_EQ(loss, static_cast<float>(exact.loss));
    for (size_t i = 0; i < size; ++i) {
      EXPECT_EQ(first[i], ToBfloat16(exact.first[i]));
      EXPECT_EQ(second[i], ToBfloat16(exact.second[i]));
    }
  }
}

TEST_F(RDropRowsTest, ShowsWhatIsNoNumber) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    Rows logits = Drawn(33, 1.0F);
    logits.second[20] = bad;
    EXPECT_TRUE(std::isnan(Ours(logits, 0, 0.1F, 5.0F).loss));
  }
}

// R-Drop of a model and a batch.
class RDropPassTest : public testing::Test {
 protected:
  struct Pass {
    double loss = 0;
    torch::Tensor gradient{};  // Of all parameters, in one vector.
  };

  RDropPassTest() { spdlog::set_level(spdlog::level::err); }
  ~RDropPassTest() override { spdlog::set_level(spdlog::level::info); }

  Pass Run(const Batch& batch, double alpha, FailingAllocator* allocator = nullptr) const {
    Transformer model = CopyTaskModel(config_);
    ForwardBackward pass(model, {.loss = {.label_smoothing = 0.1, .r_drop_alpha = alpha},
                                 .seed = 5,
                                 .memory_name = "the memory of the test"});
    const torch::Tensor loss = pass.Run(1, std::vector<Batch>{batch}, [&] {
      for (torch::Tensor& parameter : model->parameters()) parameter.mutable_grad().reset();
    });
    if (allocator != nullptr) allocator->StopFailing();
    std::vector<torch::Tensor> gradients;
    for (const auto& [name, parameter] : ParametersOf(*model)) {
      gradients.push_back(parameter.grad().clone().flatten());
    }
    return {.loss = loss.item<double>(), .gradient = torch::cat(gradients)};
  }

  static void ExpectClose(const Pass& ours, const Pass& theirs, double tolerance) {
    EXPECT_NEAR(ours.loss / theirs.loss, 1.0, tolerance);
    EXPECT_LT(((ours.gradient - theirs.gradient).norm() / theirs.gradient.norm()).item<double>(),
              tolerance);
  }

  ModelConfig config_ = CopyTaskModelConfig();  // Without dropout.
};

TEST_F(RDropPassTest, DoublesEveryPartOfABatch) {
  Batch batch = CopyTaskBatch(4, 1);
  for (const bool has_weights : {false, true}) {
    if (has_weights) batch.weights = {1.0F, 0.5F, 2.0F, 0.0F};
    const DeviceBatch once = ToDevice(batch, torch::kCPU);
    const DeviceBatch twice = Doubled(once);
    ASSERT_TRUE(once.src_padding_mask.defined());
    EXPECT_EQ(twice.label_weights.defined(), has_weights);
    for (const auto part :
         {&DeviceBatch::source, &DeviceBatch::src_padding_mask, &DeviceBatch::target_input,
          &DeviceBatch::labels, &DeviceBatch::label_weights}) {
      if (!(once.*part).defined()) continue;
      ASSERT_EQ((twice.*part).size(0), 8);
      for (const torch::Tensor& half : (twice.*part).chunk(2)) {
        EXPECT_TRUE(torch::equal(half, once.*part));
      }
    }
  }
  EXPECT_FALSE(Doubled(ToDevice(CopyTaskBatch(1, 1), torch::kCPU)).src_padding_mask.defined());
}

// Two passes without dropout are the same, and a token counts once.
TEST_F(RDropPassTest, WithoutDropoutIsAPassWithoutRDrop) {
  Batch batch = CopyTaskBatch(7, 1);
  ExpectClose(Run(batch, 5.0), Run(batch, 0.0), 1e-5);
  batch.weights = {0.25F, 1.0F, 0.0F, 3.0F, 1.5F, 1.0F, 0.5F};
  ExpectClose(Run(batch, 5.0), Run(batch, 0.0), 1e-5);
}

TEST_F(RDropPassTest, HalvesGiveTheGradientOfTheWhole) {
  const Batch batch = CopyTaskBatch(13, 1);
  const Pass whole = Run(batch, 5.0);
  FailingAllocator allocator;
  allocator.FailFrom(6'000);
  const Pass split = Run(batch, 5.0, &allocator);
  EXPECT_TRUE(allocator.failed());
  ExpectClose(split, whole, 1e-5);
}

// The same seed gives the same dropout whatever alpha is, so the loss is a line over alpha, which
// rises because the two passes are different.
TEST_F(RDropPassTest, TheTwoPassesHaveDifferentDropout) {
  for (double ModelConfig::*const dropout :
       {&ModelConfig::dropout, &ModelConfig::attention_dropout, &ModelConfig::activation_dropout}) {
    config_ = CopyTaskModelConfig();
    config_.*dropout = 0.3;
    const Batch batch = CopyTaskBatch(7, 1);
    const double base = Run(batch, 1e-9).loss;
    const double rise = Run(batch, 100.0).loss - base;
    EXPECT_GT(rise, 1e-4 * base);
    EXPECT_NEAR((Run(batch, 200.0).loss - base) / rise, 2.0, 0.01);
  }
}

TEST_F(RDropPassTest, AnUpdateTakesItFromTheConfigAndCountsATokenOnce) {
  Config config;
  config.model = config_;
  config.model.dropout = 0.3;
  const Batch batch = CopyTaskBatch(7, 1);
  std::vector<double> losses;
  for (const double alpha : {1e-9, 100.0}) {
    config.training.r_drop.alpha = alpha;
    Updater updater(config, CopyTaskModel(config.model), torch::kCPU);
    updater.Step(1, std::vector<Batch>{batch});
    EXPECT_EQ(updater.tally().Read().tokens, batch.target_tokens);
    EXPECT_EQ(updater.tally().Read().skipped, 0);
    losses.push_back(updater.tally().Read().loss);
  }
  EXPECT_GT(losses[1], losses[0] * (1 + 1e-4));
}

}  // namespace
}  // namespace wavemt
