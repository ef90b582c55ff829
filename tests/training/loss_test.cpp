#include "training/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "data/batch.h"
#include "model/autocast.h"
#include "training/cross_entropy_kernel.h"

namespace wavemt {
namespace {

struct Gradients {
  double loss;
  torch::Tensor hidden;
  torch::Tensor weight;
  torch::Tensor bias;  // Undefined without one.
};

// p = (1/2, 1/4, 1/4), label 1, smoothing 0.2: 0.8 * ln 4 + 0.2 * (ln 2 + ln 4 + ln 4) / 3
TEST(ProjectedCrossEntropyTest, IsWhatAHandComputes) {
  const auto hidden = torch::log(torch::tensor({{{0.5, 0.25, 0.25}}}));
  const auto labels = torch::tensor({{1}}, torch::kLong);
  const double ln2 = std::log(2.0);
  const auto loss = [&](double smoothing) {
    return ProjectedCrossEntropy(hidden, torch::eye(3), {.labels = labels},
                                 {.label_smoothing = smoothing})
        .item<double>();
  };
  EXPECT_NEAR(loss(0.0), 2 * ln2, 1e-6);
  EXPECT_NEAR(loss(0.2), 0.8 * 2 * ln2 + 0.2 * 5 * ln2 / 3, 1e-6);
}

class LossTest : public testing::Test {
 protected:
  void Draw(const std::vector<int64_t>& positions, int64_t d_model, int64_t vocabulary) {
    torch::manual_seed(6);
    std::vector<int64_t> shape = positions;
    shape.push_back(d_model);
    hidden_ = torch::randn(shape);
    weight_ = torch::randn({vocabulary, d_model});
    labels_ = torch::randint(0, vocabulary, positions, torch::kLong);
    labels_.masked_fill_(torch::rand(positions) < 0.3, kIgnoredLabel);
  }

  // The gradient is halved on its way back, just as training divides the loss by the number of
  // tokens.
  Gradients Ours(double label_smoothing) const {
    const auto hidden = hidden_.clone().requires_grad_();
    const auto weight = weight_.clone().requires_grad_();
    const auto bias = bias_.defined() ? bias_.clone().requires_grad_() : torch::Tensor();
    const auto loss = ProjectedCrossEntropy(hidden, {weight, bias},
                                            {.labels = labels_, .weights = label_weights_},
                                            {.label_smoothing = label_smoothing});
    EXPECT_EQ(loss.dim(), 0);
    EXPECT_EQ(loss.scalar_type(), torch::kFloat);
    (loss / 2).backward();
    return {loss.item<double>(), hidden.grad(), weight.grad(),
            bias.defined() ? bias.grad() : torch::Tensor()};
  }

  // Computed by LibTorch with whole logits in double precision: in single precision, its gradients
  // of a smoothed loss over a large vocabulary have only four correct digits.
  Gradients Reference(double label_smoothing) const {
    const auto hidden = hidden_.to(torch::kDouble).requires_grad_();
    const auto weight = weight_.to(torch::kDouble).requires_grad_();
    const auto bias = bias_.defined() ? bias_.to(torch::kDouble).requires_grad_() : torch::Tensor();
    const auto logits = torch::linear(hidden, weight, bias);
    const auto losses =
        torch::nn::functional::cross_entropy(logits.view({-1, weight.size(0)}), labels_.view(-1),
                                             torch::nn::functional::CrossEntropyFuncOptions()
                                                 .ignore_index(kIgnoredLabel)
                                                 .label_smoothing(label_smoothing)
                                                 .reduction(torch::kNone));
    const auto sum =
        label_weights_.defined() ? (losses * label_weights_.reshape(-1)).sum() : losses.sum();
    (sum / 2).backward();
    return {sum.item<double>(), hidden.grad(), weight.grad(),
            bias.defined() ? bias.grad() : torch::Tensor()};
  }

  // The tolerance is relative to the largest element.
  static void ExpectClose(const torch::Tensor& ours, const torch::Tensor& theirs,
                          double tolerance) {
    ASSERT_EQ(ours.sizes(), theirs.sizes());
    EXPECT_LE((ours - theirs).abs().max().item<double>(),
              tolerance * theirs.abs().max().item<double>());
  }

  void ExpectReference(double label_smoothing, double tolerance) const {
    SCOPED_TRACE(testing::Message() << weight_.size(0) << " pieces, smoothing " << label_smoothing);
    const Gradients ours = Ours(label_smoothing);
    const Gradients theirs = Reference(label_smoothing);
    EXPECT_NEAR(ours.loss / theirs.loss, 1.0, tolerance);
    ExpectClose(ours.hidden, theirs.hidden, tolerance);
    ExpectClose(ours.weight, theirs.weight, tolerance);
    if (bias_.defined()) ExpectClose(ours.bias, theirs.bias, tolerance);
  }

  torch::Tensor hidden_;
  torch::Tensor weight_;
  torch::Tensor bias_;  // Undefined: the output layer has none.
  torch::Tensor labels_;
  torch::Tensor label_weights_;  // Undefined: all are 1.
};

TEST_F(LossTest, WeightsMultiplyTheLossOfEachPosition) {
  for (const int64_t vocabulary : {7, 33, 1003}) {
    Draw({3, 5}, 6, vocabulary);
    bias_ = torch::randn({vocabulary});
    // One for each row, as training has them.
    label_weights_ = torch::tensor({0.25, 1.0, 3.0}).unsqueeze(1).expand({3, 5});
    for (const double label_smoothing : {0.0, 0.1}) ExpectReference(label_smoothing, 1e-5);
  }
}

TEST_F(LossTest, WeightsCountInEveryBlock) {
  Draw({9, 13}, 16, 100'000);
  label_weights_ = torch::rand({9, 13});
  ExpectReference(0.1, 1e-4);
}

TEST_F(LossTest, WeightsOfOneChangeNothing) {
  Draw({4, 6}, 4, 9);
  const Gradients without = Ours(0.1);
  label_weights_ = torch::ones({4, 6});
  const Gradients with = Ours(0.1);
  EXPECT_EQ(with.loss, without.loss);
  EXPECT_TRUE(torch::equal(with.weight, without.weight));
}

TEST_F(LossTest, SoIsTheLossOfAnOutputLayerWithABias) {
  for (const int64_t vocabulary : {5, 33, 1003}) {
    Draw({3, 5}, 6, vocabulary);
    bias_ = torch::randn({vocabulary});
    for (const double label_smoothing : {0.0, 0.1}) ExpectReference(label_smoothing, 1e-5);
  }
}

TEST_F(LossTest, IsLibTorchsAndSoAreItsGradients) {
  // Sizes below, at and above the size of a vector register.
  for (const int64_t vocabulary : {2, 5, 7, 8, 16, 31, 33, 100, 1003}) {
    Draw({3, 5}, 6, vocabulary);
    for (const double label_smoothing : {0.0, 0.1, 0.9}) ExpectReference(label_smoothing, 1e-5);
  }
}

TEST_F(LossTest, TheBlocksOfALargeVocabularyAddUp) {
  // A block holds 41 rows of 100,000 pieces; the 117 positions need several.
  Draw({9, 13}, 16, 100'000);
  ExpectReference(0.0, 1e-4);
  ExpectReference(0.1, 1e-4);
}

TEST_F(LossTest, HoldsForLargeLogits) {
  Draw({4, 4}, 6, 50);
  hidden_ *= 100;
  ExpectReference(0.1, 1e-5);
}

TEST_F(LossTest, OfNothingLabelledIsZeroWithZeroGradients) {
  Draw({2, 3}, 4, 9);
  labels_.fill_(kIgnoredLabel);
  const Gradients ours = Ours(0.1);
  EXPECT_EQ(ours.loss, 0.0);
  EXPECT_EQ(ours.hidden.abs().max().item<double>(), 0.0);
  EXPECT_EQ(ours.weight.abs().max().item<double>(), 0.0);
}

TEST_F(LossTest, IgnoredPositionsHaveNoGradient) {
  Draw({4, 6}, 4, 9);
  const auto ignored = (labels_ == kIgnoredLabel).unsqueeze(-1);
  EXPECT_EQ((Ours(0.1).hidden * ignored).abs().max().item<double>(), 0.0);
}

TEST_F(LossTest, IsTheSameWithoutGradients) {
  Draw({4, 6}, 4, 9);
  const double loss = Ours(0.1).loss;
  EXPECT_EQ(ProjectedCrossEntropy(hidden_, weight_, {.labels = labels_}, {.label_smoothing = 0.1})
                .item<double>(),
            loss);
  const torch::NoGradGuard no_grad;
  const auto weight = weight_.clone().requires_grad_();
  EXPECT_EQ(ProjectedCrossEntropy(hidden_, weight, {.labels = labels_}, {.label_smoothing = 0.1})
                .item<double>(),
            loss);
}

TEST_F(LossTest, AFrozenWeightGetsNoneAndChangesNoOther) {
  Draw({4, 6}, 4, 9);
  const auto hidden = hidden_.clone().requires_grad_();
  (ProjectedCrossEntropy(hidden, weight_, {.labels = labels_}, {.label_smoothing = 0.1}) / 2)
      .backward();
  EXPECT_TRUE(torch::equal(hidden.grad(), Ours(0.1).hidden));
  EXPECT_FALSE(weight_.grad().defined());
}

TEST_F(LossTest, AWeightThatIsUsedTwiceGetsBothGradients) {
  Draw({5}, 4, 9);
  const auto ids = torch::tensor({1, 2, 3, 4, 5}, torch::kLong);
  const auto weight = weight_.clone().requires_grad_();
  ProjectedCrossEntropy(torch::embedding(weight, ids), weight, {.labels = labels_}, {}).backward();

  const auto expected = weight_.clone().requires_grad_();
  const auto logits = torch::matmul(torch::embedding(expected, ids), expected.t());
  torch::nn::functional::cross_entropy(logits, labels_,
                                       torch::nn::functional::CrossEntropyFuncOptions()
                                           .ignore_index(kIgnoredLabel)
                                           .reduction(torch::kSum))
      .backward();
  ExpectClose(weight.grad(), expected.grad(), 1e-5);
}

TEST_F(LossTest, UnderAutocastIsStillFp32AndNearTheExactOne) {
  Draw({8, 8}, 16, 40);
  const Gradients exact = Ours(0.1);
  const Autocast autocast(torch::kCPU, Precision::kBf16);
  const Gradients rough = Ours(0.1);
  EXPECT_NE(rough.loss, exact.loss);
  EXPECT_NEAR(rough.loss / exact.loss, 1.0, 0.01);
  EXPECT_EQ(rough.hidden.scalar_type(), torch::kFloat);
  EXPECT_EQ(rough.weight.scalar_type(), torch::kFloat);
  ExpectClose(rough.hidden, exact.hidden, 0.03);
  ExpectClose(rough.weight, exact.weight, 0.03);
}

TEST(CrossEntropyRowTest, HoldsForLogitsFarApartAndShowsWhatIsNoNumber) {
  float row[] = {200.0F, -200.0F, 0.0F};
  EXPECT_FLOAT_EQ(CrossEntropyRow(row, 3, 1, 0.0F), 400.0F);
  EXPECT_FLOAT_EQ(row[0], 1.0F);
  EXPECT_FLOAT_EQ(row[1], -1.0F);
  float broken[] = {1.0F, std::nanf(""), 0.0F};
  EXPECT_TRUE(std::isnan(CrossEntropyRow(broken, 3, 0, 0.0F)));
}

}  // namespace
}  // namespace wavemt
