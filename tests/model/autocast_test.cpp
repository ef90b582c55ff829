#include "model/autocast.h"

#include <gtest/gtest.h>

namespace wavemt {
namespace {

class AutocastTest : public testing::Test {
 protected:
  torch::ScalarType ProductType() const { return torch::linear(x_, weight_).scalar_type(); }

  torch::Tensor x_ = torch::randn({2, 4});
  torch::Tensor weight_ = torch::randn({3, 4}).requires_grad_();
};

TEST_F(AutocastTest, MakesProductsBf16WhileItLives) {
  {
    const Autocast autocast(torch::kCPU, Precision::kBf16);
    EXPECT_EQ(ProductType(), torch::kBFloat16);
    EXPECT_EQ(torch::layer_norm(x_, {4}).scalar_type(), torch::kFloat);
  }
  EXPECT_EQ(ProductType(), torch::kFloat);
}

TEST_F(AutocastTest, DoesNothingForFp32) {
  const Autocast autocast(torch::kCPU, Precision::kFp32);
  EXPECT_EQ(ProductType(), torch::kFloat);
}

TEST_F(AutocastTest, SeesThatWeightsChanged) {
  const auto product = [&] {
    const Autocast autocast(torch::kCPU, Precision::kBf16);
    return torch::linear(x_, weight_).detach().to(torch::kFloat);
  };
  const auto before = product();
  {
    const torch::NoGradGuard no_grad;
    weight_.mul_(2);
  }
  EXPECT_TRUE(torch::equal(product(), 2 * before));
}

}  // namespace
}  // namespace wavemt
