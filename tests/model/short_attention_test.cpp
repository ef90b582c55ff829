#include "model/short_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "model/masks.h"

namespace wavemt {
namespace {

// Which projections share a matrix.
enum class Shared { kNone, kKeyAndValue, kAll };

struct Case {
  int64_t batch = 3;
  int64_t num_heads = 2;
  int64_t queries = 5;
  int64_t keys = 5;
  int64_t head_dim = 16;
  std::vector<int64_t> lengths{};  // Of the sentences; empty: no padding.
  bool causal = false;
  bool has_vectors = false;  // By distance.
  Shared shared = Shared::kNone;
  torch::ScalarType type = torch::kFloat;
};

torch::Tensor ProjectionOf(const Case& c, int64_t length, int64_t blocks) {
  return torch::randn({c.batch, length, blocks * c.num_heads * c.head_dim}).to(c.type);
}

torch::Tensor MaskOf(const Case& c) {
  return c.lengths.empty() ? torch::Tensor()
                           : PaddingMask(torch::tensor(c.lengths, torch::kLong), c.keys);
}

// The projections and, if the case has them, the vectors by distance of keys and values.
std::vector<torch::Tensor> InputsOf(const Case& c) {
  std::vector<torch::Tensor> inputs;
  switch (c.shared) {
    case Shared::kNone:
      inputs = {ProjectionOf(c, c.queries, 1), ProjectionOf(c, c.keys, 1),
                ProjectionOf(c, c.keys, 1)};
      break;
    case Shared::kKeyAndValue:
      inputs = {ProjectionOf(c, c.queries, 1), ProjectionOf(c, c.keys, 2)};
      break;
    case Shared::kAll:
      inputs = {ProjectionOf(c, c.queries, 3)};
  }
  if (c.has_vectors) {
    for (int i = 0; i < 2; ++i) {
      inputs.push_back(torch::randn({c.queries + c.keys - 1, c.head_dim}));
    }
  }
  return inputs;
}

ShortAttention AttentionOf(const Case& c, const std::vector<torch::Tensor>& inputs) {
  ShortAttention attention = {
      .num_heads = c.num_heads, .head_dim = c.head_dim, .mask = MaskOf(c), .causal = c.causal};
  attention.query = {inputs[0]};
  switch (c.shared) {
    case Shared::kNone:
      attention.key = {inputs[1]};
      attention.value = {inputs[2]};
      break;
    case Shared::kKeyAndValue:
      attention.key = {inputs[1], 0};
      attention.value = {inputs[1], 1};
      break;
    case Shared::kAll:
      attention.key = {inputs[0], 1};
      attention.value = {inputs[0], 2};
  }
  if (c.has_vectors) {
    attention.key_vectors = inputs[inputs.size() - 2];
    attention.value_vectors = inputs[inputs.size() - 1];
  }
  return attention;
}

// [batch, num_heads, length, head_dim]
torch::Tensor Heads(const Case& c, const HeadColumns& columns) {
  const int64_t width = c.num_heads * c.head_dim;
  return columns.projection.narrow(2, columns.block * width, width)
      .unflatten(2, {c.num_heads, c.head_dim})
      .transpose(1, 2);
}

// Attention as it is written down, one query after the other.
torch::Tensor Reference(const Case& c, const std::vector<torch::Tensor>& inputs) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  const ShortAttention attention = AttentionOf(c, inputs);
  std::vector<torch::Tensor> outputs;
  for (int64_t i = 0; i < c.queries; ++i) {
    auto key = Heads(c, attention.key);
    auto value = Heads(c, attention.value);
    if (c.has_vectors) {
      key = key + attention.key_vectors.narrow(0, c.queries - 1 - i, c.keys);
      value = value + attention.value_vectors.narrow(0, c.queries - 1 - i, c.keys);
    }
    const auto query = Heads(c, attention.query).narrow(2, i, 1);
    auto scores =
        torch::matmul(query, key.transpose(2, 3)) / std::sqrt(static_cast<double>(c.head_dim));
    if (attention.mask.defined()) scores = scores.masked_fill(~attention.mask, kNever);
    if (c.causal) {
      const auto later = torch::arange(c.keys) > i + c.keys - c.queries;
      scores = scores.masked_fill(later, kNever);
    }
    outputs.push_back(torch::matmul(torch::softmax(scores, -1), value));
  }
  return torch::cat(outputs, /*dim=*/2).transpose(1, 2).flatten(2);
}

void ExpectAttends(const Case& c) {
  SCOPED_TRACE(testing::Message() << c.queries << " queries, " << c.keys << " keys, head_dim "
                                  << c.head_dim << (c.causal ? ", causal" : "")
                                  << (c.has_vectors ? ", vectors by distance" : "") << ", "
                                  << c.type << ", sharing " << static_cast<int>(c.shared));
  torch::manual_seed(5);
  std::vector<torch::Tensor> actual;
  std::vector<torch::Tensor> expected;
  for (const auto& input : InputsOf(c)) {
    actual.push_back(input.detach().requires_grad_());
    expected.push_back(input.detach().to(torch::kDouble).requires_grad_());
  }
  // In bf16, numbers have 8 bits; those here are below 16.
  const bool is_narrow = c.type == torch::kBFloat16;
  const auto attention = AttentionOf(c, actual);
  ASSERT_TRUE(CanAttendShort(attention));
  const auto output = AttendShort(attention);
  const auto reference = Reference(c, expected);
  ASSERT_EQ(output.sizes(), reference.sizes());
  EXPECT_EQ(output.scalar_type(), c.type);
  EXPECT_LT((output - reference).abs().max().item<double>(), is_narrow ? 0.02 : 5e-6);

  const auto gradient = torch::randn(output.sizes()).to(c.type);
  output.backward(gradient);
  reference.backward(gradient.to(torch::kDouble));
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].grad().scalar_type(), actual[i].scalar_type());
    EXPECT_LT((actual[i].grad() - expected[i].grad()).abs().max().item<double>(),
              is_narrow ? 0.05 : 5e-5)
        << "the gradient of input " << i;
  }
}

TEST(ShortAttentionTest, IsAttentionWithItsGradients) {
  for (const int64_t length : {1, 6, 13, 16, 33, 128}) {
    for (const int64_t head_dim : {16, 32, 64}) {
      ExpectAttends({.queries = length, .keys = length, .head_dim = head_dim});
      ExpectAttends({.queries = length, .keys = length, .head_dim = head_dim, .causal = true});
      ExpectAttends({.queries = length,
                     .keys = length,
                     .head_dim = head_dim,
                     .causal = length % 2 == 0,
                     .has_vectors = true});
    }
  }
}

TEST(ShortAttentionTest, QueriesAndKeysDiffer) {
  ExpectAttends({.queries = 3, .keys = 21});
  ExpectAttends({.queries = 21, .keys = 3});
  ExpectAttends({.queries = 9, .keys = 14, .causal = true});  // The first keys are a prefix.
}

TEST(ShortAttentionTest, ProjectionsMayShareAMatrix) {
  ExpectAttends({.queries = 9, .keys = 9, .causal = true, .shared = Shared::kAll});
  ExpectAttends({.queries = 9, .keys = 9, .has_vectors = true, .shared = Shared::kAll});
  ExpectAttends({.queries = 7, .keys = 12, .lengths = {12, 3, 8}, .shared = Shared::kKeyAndValue});
}

TEST(ShortAttentionTest, TakesAndGivesBf16) {
  for (const Shared shared : {Shared::kNone, Shared::kKeyAndValue, Shared::kAll}) {
    ExpectAttends({.queries = 9,
                   .keys = 9,
                   .head_dim = 32,
                   .lengths = {9, 3, 8},
                   .shared = shared,
                   .type = torch::kBFloat16});
  }
  ExpectAttends(
      {.queries = 9, .keys = 9, .causal = true, .has_vectors = true, .type = torch::kBFloat16});
}

TEST(ShortAttentionTest, PaddingIsNotAttendedTo) {
  ExpectAttends({.queries = 4, .keys = 18, .lengths = {18, 1, 17}});
  ExpectAttends({.queries = 18, .keys = 18, .lengths = {18, 5, 17}, .causal = true});
  ExpectAttends({.queries = 18, .keys = 18, .lengths = {18, 5, 17}, .has_vectors = true});
}

TEST(ShortAttentionTest, QueryWithoutKeysGetsNothing) {
  const Case c = {.lengths = {5, 0, 2}};
  const auto inputs = InputsOf(c);
  auto query = inputs[0].detach().requires_grad_();
  const auto output = AttendShort(AttentionOf(c, {query, inputs[1], inputs[2]}));
  EXPECT_EQ(output[1].abs().max().item<double>(), 0);
  output.sum().backward();
  EXPECT_EQ(query.grad()[1].abs().max().item<double>(), 0);
  EXPECT_TRUE(torch::isfinite(query.grad()).all().item<bool>());
}

// A number that is not finite must not vanish: the trainer looks for it.
TEST(ShortAttentionTest, WhatIsNotFiniteStaysSo) {
  const Case c;
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const auto inputs = InputsOf(c);
    inputs[1][1][2][3] = bad;  // Of the first head.
    const auto output = AttendShort(AttentionOf(c, inputs));
    EXPECT_FALSE(torch::isfinite(output[1].narrow(1, 0, c.head_dim)).all().item<bool>());
    EXPECT_TRUE(torch::isfinite(output[0]).all().item<bool>());
  }
}

TEST(ShortAttentionTest, LeavesTheRestToLibTorch) {
  const auto can_attend = [](const Case& c, const auto& change) {
    const auto inputs = InputsOf(c);
    ShortAttention attention = AttentionOf(c, inputs);
    change(attention);
    return CanAttendShort(attention);
  };
  const auto as_it_is = [](const ShortAttention&) {};
  EXPECT_TRUE(can_attend({.keys = 128}, as_it_is));
  EXPECT_FALSE(can_attend({.keys = 129}, as_it_is));
  EXPECT_FALSE(can_attend({.head_dim = 24}, as_it_is));
  EXPECT_FALSE(can_attend({.queries = 0}, as_it_is));
  EXPECT_FALSE(can_attend({.type = torch::kDouble}, as_it_is));
  EXPECT_FALSE(
      can_attend({}, [](auto& a) { a.key.projection = a.key.projection.to(torch::kBFloat16); }));
  // A block that nothing attends with would have no gradient.
  EXPECT_FALSE(can_attend({.shared = Shared::kKeyAndValue},
                          [](auto& a) { a.value.projection = a.value.projection.clone(); }));
  // Masks that are not the same for all queries, and what is added to scores.
  EXPECT_FALSE(can_attend({}, [](auto& a) { a.mask = torch::ones({3, 1, 5, 5}, torch::kBool); }));
  EXPECT_FALSE(can_attend({}, [](auto& a) { a.mask = torch::zeros({3, 1, 1, 5}); }));
  // A prefix, which stands at no distance.
  EXPECT_FALSE(can_attend({.has_vectors = true},
                          [](auto& a) { a.key_vectors = a.key_vectors.narrow(0, 0, 7); }));
}

}  // namespace
}  // namespace wavemt
