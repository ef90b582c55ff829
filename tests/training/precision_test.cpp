#include "training/precision.h"

#include <gtest/gtest.h>

namespace wavemt {
namespace {

Config SmallConfig(Precision precision) {
  Config config;
  config.model.d_model = 16;
  config.model.ffn_dim = 32;
  config.training.batch_tokens = 64;
  config.training.precision = precision;
  return config;
}

TEST(PrecisionTest, WhatTheUserNamesIsTaken) {
  EXPECT_EQ(ResolvePrecision(SmallConfig(Precision::kFp32), torch::kCPU), Precision::kFp32);
  EXPECT_EQ(ResolvePrecision(SmallConfig(Precision::kBf16), torch::kCPU), Precision::kBf16);
}

TEST(PrecisionTest, AutoBecomesOneOfTheTwoAndDrawsNoRandomNumbers) {
  torch::manual_seed(7);
  const auto expected = torch::rand({4});
  torch::manual_seed(7);
  EXPECT_NE(ResolvePrecision(SmallConfig(Precision::kAuto), torch::kCPU), Precision::kAuto);
  EXPECT_TRUE(torch::equal(torch::rand({4}), expected));
}

}  // namespace
}  // namespace wavemt
