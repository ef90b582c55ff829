#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

#include "config/config.h"
#include "config/config_fields.h"

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

}  // namespace wavemt
