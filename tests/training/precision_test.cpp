#include "training/precision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "../support/captured_log.h"

namespace wavemt {
namespace {

Config ConfigWith(Precision precision) {
  Config config;
  config.model.d_model = 16;
  config.model.ffn_dim = 32;
  config.training.batch_tokens = 64;
  config.training.precision = precision;
  return config;
}

TEST(PrecisionTest, WhatTheUserNamesIsTaken) {
  EXPECT_EQ(ResolvePrecision(ConfigWith(Precision::kFp32), torch::kCPU), Precision::kFp32);
  EXPECT_EQ(ResolvePrecision(ConfigWith(Precision::kBf16), torch::kCPU), Precision::kBf16);
}

// Never bf16 on a processor without bf16 instructions; on others it depends on the size.
TEST(PrecisionTest, AutoIsBf16WhereThatWasMeasuredClearlyFaster) {
  for (const int64_t size : {16, 256, 1024}) {
    Config config = ConfigWith(Precision::kAuto);
    config.model.d_model = size;
    config.model.ffn_dim = size;
    config.training.batch_tokens = size;
    const CapturedLog log;
    const Precision taken = ResolvePrecision(config, torch::kCPU);
    const std::string text = log.text();
    const std::string before = "matrix products run ";
    ASSERT_NE(text.find(before), std::string::npos) << text;
    const double gain = std::stod(text.substr(text.find(before) + before.size()));
    if (std::abs(gain - 1.4) < 0.005) continue;  // Too close: the gain is printed with two digits.
    EXPECT_EQ(taken, gain > 1.4 ? Precision::kBf16 : Precision::kFp32) << text;
  }
}

TEST(PrecisionTest, AutoBecomesOneOfTheTwoAndDrawsNoRandomNumbers) {
  torch::manual_seed(7);
  const auto expected = torch::rand({4});
  torch::manual_seed(7);
  EXPECT_NE(ResolvePrecision(ConfigWith(Precision::kAuto), torch::kCPU), Precision::kAuto);
  EXPECT_TRUE(torch::equal(torch::rand({4}), expected));
}

}  // namespace
}  // namespace wavemt
