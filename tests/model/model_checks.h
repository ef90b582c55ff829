#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/config_fields.h"
#include "model/masks.h"
#include "model/transformer.h"

// What the tests of a whole model have in common.
namespace wavemt {

inline constexpr int64_t kVocabulary = 29;
inline constexpr double kTolerance = 1e-5;

inline torch::Tensor RandomIds(int64_t rows, int64_t length) {
  return torch::randint(4, kVocabulary, {rows, length}, torch::kLong);
}

inline double LargestDifference(const torch::Tensor& a, const torch::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a - b).abs().max().item<double>();
}

// Distances and buckets so small that the sentences of these tests reach beyond them.
inline std::vector<PositionEncodingConfig> EveryEncoding() {
  std::vector<PositionEncodingConfig> encodings;
  for (const auto& [name, type] : NamesOf(PositionEncodingType{})) {
    encodings.push_back({.type = type,
                         .max_length = 32,
                         .relative_clip_distance = 2,
                         .t5_num_buckets = 6,
                         .t5_max_distance = 5});
  }
  encodings.push_back({.type = PositionEncodingType::kAlibi,
                       .max_length = 32,
                       .alibi_slopes = AlibiSlopes::kTrained});
  encodings.push_back({.type = PositionEncodingType::kSinusoidal,
                       .max_length = 32,
                       .random_shift = 5});  // Does nothing outside training.
  return encodings;
}

inline void ExpectThatFutureTokensChangeNothing(Transformer& model) {
  constexpr int64_t kLength = 8;
  const auto source = RandomIds(2, 5);
  const auto target = RandomIds(2, kLength);
  const auto before = model(source, torch::Tensor(), target);
  for (int64_t position = 0; position < kLength; ++position) {
    auto changed = target.clone();
    changed.select(1, position).add_(1).remainder_(kVocabulary);
    const auto after = model(source, torch::Tensor(), changed);
    EXPECT_TRUE(torch::equal(after.narrow(1, 0, position), before.narrow(1, 0, position)))
        << "position " << position;
    EXPECT_GT(LargestDifference(after.select(1, position), before.select(1, position)), 1e-3);
  }
}

inline void ExpectThatPaddingChangesNothing(Transformer& model) {
  constexpr int64_t kLongest = 9;
  const auto lengths = torch::tensor({4, 9, 1}, torch::kLong);
  const auto sources = RandomIds(3, kLongest);
  const auto targets = RandomIds(3, 6);
  const auto mask = PaddingMask(lengths, kLongest);
  const auto logits = model(sources, mask, targets);
  for (int64_t row = 0; row < 3; ++row) {
    const auto alone = model(sources[row].narrow(0, 0, lengths[row].item<int64_t>()).unsqueeze(0),
                             torch::Tensor(), targets[row].unsqueeze(0));
    EXPECT_LT(LargestDifference(logits[row], alone[0]), kTolerance) << "row " << row;
  }
  // Nor do the ids in the padding.
  const auto hidden = mask.view({3, kLongest}).logical_not();
  const auto other_padding = torch::where(hidden, RandomIds(3, kLongest), sources);
  EXPECT_LT(LargestDifference(model(other_padding, mask, targets), logits), kTolerance);
  EXPECT_GT(LargestDifference(model(other_padding, torch::Tensor(), targets), logits), 1e-3);
}

inline void ExpectThatCachedStepsAgree(Transformer& model) {
  constexpr int64_t kLength = 7;
  const auto source = RandomIds(3, 6);
  const auto mask = PaddingMask(torch::tensor({6, 2, 3}, torch::kLong), 6);
  const auto target = RandomIds(3, kLength);
  const auto full = model(source, mask, target);
  KeyValueCache cache =
      model->decoder->MakeKeyValueCache(model->Encode(source, mask), std::vector<int64_t>{6, 2, 3});
  for (int64_t position = 0; position < kLength; ++position) {
    const auto step = model->Project(model->DecodeStep(target.select(1, position), &cache));
    EXPECT_LT(LargestDifference(step, full.select(1, position)), kTolerance)
        << "position " << position;
    EXPECT_EQ(cache.steps(), position + 1);
  }
}

// Central differences in double precision, of the weights that `is_tested` names.
inline void ExpectGradientsOfFiniteDifferences(
    Transformer& model, const std::function<bool(const std::string&)>& is_tested) {
  model->to(torch::kDouble);
  const auto source = RandomIds(3, 6);
  const auto mask = PaddingMask(torch::tensor({6, 2, 4}, torch::kLong), 6);
  const auto target = RandomIds(3, 5);
  const auto factors = torch::randn({3, 5, kVocabulary}, torch::kDouble);
  const auto loss = [&] { return (model(source, mask, target) * factors).sum(); };
  {
    const torch::AutoGradMode with_grad(true);
    loss().backward();
  }
  for (const auto& item : model->named_parameters()) {
    if (!is_tested(item.key())) continue;
    auto values = item.value().view(-1);
    const auto gradient = item.value().grad().reshape(-1);
    // The largest gradient, and some by chance, most of them of positions that occur.
    auto indices = torch::randint(values.size(0), {6}, torch::kLong);
    indices[0] = gradient.abs().argmax();
    for (int64_t i = 0; i < indices.size(0); ++i) {
      const auto index = indices[i].item<int64_t>();
      const double value = values[index].item<double>();
      constexpr double kStep = 1e-5;
      values[index] = value + kStep;
      const double above = loss().item<double>();
      values[index] = value - kStep;
      const double below = loss().item<double>();
      values[index] = value;
      const double expected = gradient[index].item<double>();
      EXPECT_NEAR((above - below) / (2 * kStep), expected, 1e-6 * (1 + std::abs(expected)))
          << item.key() << "[" << index << "]";
    }
  }
}

}  // namespace wavemt
