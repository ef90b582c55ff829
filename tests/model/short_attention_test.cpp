#include "model/short_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "model/masks.h"

namespace wavemt {
namespace {

struct Case {
  int64_t batch = 3;
  int64_t num_heads = 2;
  int64_t queries = 5;
  int64_t keys = 5;
  int64_t head_dim = 16;
  std::vector<int64_t> lengths{};  // Of the sentences; empty: no padding.
  bool causal = false;
};

// As projections come: [batch, length, num_heads * head_dim], here a part of each row.
torch::Tensor Heads(const Case& c, int64_t length) {
  const auto rows = torch::randn({c.batch, length, 3 * c.num_heads * c.head_dim});
  return rows.narrow(2, c.num_heads * c.head_dim, c.num_heads * c.head_dim)
      .view({c.batch, length, c.num_heads, c.head_dim})
      .transpose(1, 2);
}

torch::Tensor MaskOf(const Case& c) {
  return c.lengths.empty() ? torch::Tensor()
                           : PaddingMask(torch::tensor(c.lengths, torch::kLong), c.keys);
}

// Attention as it is written down, in double precision.
torch::Tensor Reference(const Case& c, const torch::Tensor& query, const torch::Tensor& key,
                        const torch::Tensor& value) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  auto scores =
      torch::matmul(query, key.transpose(2, 3)) / std::sqrt(static_cast<double>(c.head_dim));
  if (const auto mask = MaskOf(c); mask.defined()) scores = scores.masked_fill(~mask, kNever);
  if (c.causal) {
    const auto later = torch::ones({c.queries, c.keys}, torch::kBool).triu(c.keys - c.queries + 1);
    scores = scores.masked_fill(later, kNever);
  }
  return torch::matmul(torch::softmax(scores, -1), value);
}

void ExpectAttends(const Case& c) {
  SCOPED_TRACE(testing::Message() << c.queries << " queries, " << c.keys << " keys, head_dim "
                                  << c.head_dim << (c.causal ? ", causal" : ""));
  torch::manual_seed(5);
  const std::vector<torch::Tensor> inputs = {Heads(c, c.queries), Heads(c, c.keys),
                                             Heads(c, c.keys)};
  const auto mask = MaskOf(c);
  std::vector<torch::Tensor> actual;
  std::vector<torch::Tensor> expected;
  for (const auto& input : inputs) {
    actual.push_back(input.detach().requires_grad_());
    expected.push_back(input.detach().to(torch::kDouble).requires_grad_());
  }
  ASSERT_TRUE(CanAttendShort(actual[0], actual[1], mask));
  const auto output = AttendShort(actual[0], actual[1], actual[2], mask, c.causal);
  const auto reference = Reference(c, expected[0], expected[1], expected[2]);
  ASSERT_EQ(output.sizes(), reference.sizes());
  EXPECT_LT((output - reference).abs().max().item<double>(), 2e-6);

  const auto gradient = torch::randn(output.sizes());
  output.backward(gradient);
  reference.backward(gradient.to(torch::kDouble));
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_LT((actual[i].grad() - expected[i].grad()).abs().max().item<double>(), 1e-5)
        << "the gradient of input " << i;
  }
}

TEST(ShortAttentionTest, IsAttentionWithItsGradients) {
  for (const int64_t length : {1, 2, 6, 7, 13, 16, 17, 48, 128}) {
    for (const int64_t head_dim : {16, 32, 64}) {
      ExpectAttends({.queries = length, .keys = length, .head_dim = head_dim});
      ExpectAttends({.queries = length, .keys = length, .head_dim = head_dim, .causal = true});
    }
  }
}

TEST(ShortAttentionTest, QueriesAndKeysDiffer) {
  ExpectAttends({.queries = 3, .keys = 21});
  ExpectAttends({.queries = 21, .keys = 3});
  ExpectAttends({.queries = 9, .keys = 14, .causal = true});  // The first keys are a prefix.
}

TEST(ShortAttentionTest, PaddingIsNotAttendedTo) {
  ExpectAttends({.queries = 4, .keys = 18, .lengths = {18, 1, 17}});
  ExpectAttends({.queries = 18, .keys = 18, .lengths = {18, 5, 17}, .causal = true});
}

TEST(ShortAttentionTest, QueryWithoutKeysGetsNothing) {
  const Case c = {.lengths = {5, 0, 2}};
  auto query = Heads(c, c.queries).detach().requires_grad_();
  const auto key = Heads(c, c.keys);
  const auto output = AttendShort(query, key, key, MaskOf(c), /*causal=*/false);
  EXPECT_EQ(output[1].abs().max().item<double>(), 0);
  output.sum().backward();
  EXPECT_EQ(query.grad()[1].abs().max().item<double>(), 0);
  EXPECT_TRUE(torch::isfinite(query.grad()).all().item<bool>());
}

// A number that is not finite must not vanish: the trainer looks for it.
TEST(ShortAttentionTest, WhatIsNotFiniteStaysSo) {
  const Case c;
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const auto query = Heads(c, c.queries);
    const auto key = Heads(c, c.keys).clone();
    key[1][0][2][3] = bad;
    const auto output = AttendShort(query, key, Heads(c, c.keys), {}, /*causal=*/false);
    EXPECT_FALSE(torch::isfinite(output[1][0]).all().item<bool>());
    EXPECT_TRUE(torch::isfinite(output[0]).all().item<bool>());
  }
}

TEST(ShortAttentionTest, LeavesTheRestToLibTorch) {
  const Case c;
  const auto heads = [](int64_t keys, int64_t head_dim) {
    return torch::randn({2, 2, keys, head_dim});
  };
  EXPECT_TRUE(CanAttendShort(heads(5, 16), heads(128, 16), {}));
  EXPECT_FALSE(CanAttendShort(heads(5, 16), heads(129, 16), {}));
  EXPECT_FALSE(CanAttendShort(heads(5, 24), heads(5, 24), {}));
  EXPECT_FALSE(CanAttendShort(heads(0, 16), heads(5, 16), {}));
  EXPECT_FALSE(CanAttendShort(heads(5, 16).to(torch::kBFloat16), heads(5, 16), {}));
  // A mask of all queries and keys, and what is added to scores.
  EXPECT_FALSE(CanAttendShort(heads(5, 16), heads(5, 16), torch::ones({5, 5}, torch::kBool)));
  EXPECT_FALSE(CanAttendShort(heads(5, 16), heads(5, 16), torch::zeros({2, 1, 1, 5})));
}

}  // namespace
}  // namespace wavemt
