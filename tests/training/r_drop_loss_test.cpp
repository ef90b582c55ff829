// R-Drop's loss and its gradients (Liang et al. 2021).
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "data/batch.h"
#include "model/autocast.h"
#include "training/loss.h"

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

}  // namespace
}  // namespace wavemt
