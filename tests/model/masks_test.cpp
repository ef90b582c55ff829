#include "model/masks.h"

#include <gtest/gtest.h>

namespace wavemt {
namespace {

TEST(PaddingMask, IsTrueForTokens) {
  const auto mask = PaddingMask(torch::tensor({3, 1, 4}, torch::kLong), 4);
  ASSERT_EQ(mask.sizes(), (std::vector<int64_t>{3, 1, 1, 4}));
  ASSERT_EQ(mask.scalar_type(), torch::kBool);
  const auto expected = torch::tensor({{1, 1, 1, 0}, {1, 0, 0, 0}, {1, 1, 1, 1}}).to(torch::kBool);
  EXPECT_TRUE(torch::equal(mask.view({3, 4}), expected));
}

TEST(PaddingMask, BroadcastsOverHeadsAndQueries) {
  const auto mask = PaddingMask(torch::tensor({2, 3}, torch::kLong), 3);
  const auto scores = torch::zeros({2, 5, 7, 3}).masked_fill(mask.logical_not(), 1.0);
  EXPECT_TRUE(torch::equal(scores[0].sum(-1), torch::full({5, 7}, 1.0F)));
  EXPECT_TRUE(torch::equal(scores[1].sum(-1), torch::zeros({5, 7})));
}

}  // namespace
}  // namespace wavemt
