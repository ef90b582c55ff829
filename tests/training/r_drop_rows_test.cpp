#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "support/bfloat16.h"
#include "training/cross_entropy_kernel.h"

namespace wavemt {
namespace {

// The kernel against the same formula in double precision.
class RDropRowsTest : public testing::Test {
 protected:
  struct Rows {
    std::vector<float> first{};
    std::vector<float> second{};
    double loss = 0;
  };

  static std::vector<double> LogProbs(const std::vector<float>& logits) {
    double largest = -std::numeric_limits<double>::infinity();
    for (const float logit : logits) largest = std::max(largest, static_cast<double>(logit));
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - largest);
    std::vector<double> log_probs;
    for (const float logit : logits) log_probs.push_back(logit - largest - std::log(sum));
    return log_probs;
  }

  static Rows Exact(const Rows& logits, size_t label, double label_smoothing, double alpha) {
    const std::vector<double> log_p = LogProbs(logits.first);
    const std::vector<double> log_q = LogProbs(logits.second);
    const size_t size = log_p.size();
    const double spread = label_smoothing / static_cast<double>(size);
    double cross_entropies = 0;
    double p_to_q = 0;
    double q_to_p = 0;
    for (size_t i = 0; i < size; ++i) {
      const double target = spread + (i == label ? 1 - label_smoothing : 0);
      cross_entropies -= target * (log_p[i] + log_q[i]);
      p_to_q += std::exp(log_p[i]) * (log_p[i] - log_q[i]);
      q_to_p += std::exp(log_q[i]) * (log_q[i] - log_p[i]);
    }
    Rows exact{.loss = cross_entropies / 2 + alpha / 4 * (p_to_q + q_to_p)};
    for (size_t i = 0; i < size; ++i) {
      const double target = spread + (i == label ? 1 - label_smoothing : 0);
      const double p = std::exp(log_p[i]);
      const double q = std::exp(log_q[i]);
      const double ratio = log_p[i] - log_q[i];
      exact.first.push_back(
          static_cast<float>((p - target) / 2 + alpha / 4 * (p * (ratio - p_to_q) + p - q)));
      exact.second.push_back(
          static_cast<float>((q - target) / 2 + alpha / 4 * (q * (-ratio - q_to_p) + q - p)));
    }
    return exact;
  }

  static void ExpectClose(const std::vector<float>& ours, const std::vector<float>& exact,
                          double tolerance) {
    double largest = 0;
    for (const float value : exact) largest = std::max(largest, std::abs(double{value}));
    for (size_t i = 0; i < ours.size(); ++i) {
      EXPECT_NEAR(ours[i], exact[i], tolerance * largest) << i;
    }
  }

  static Rows Drawn(size_t size, float scale) {
    std::mt19937 random(static_cast<uint32_t>(size));
    std::normal_distribution<float> normal(0, scale);
    Rows logits;
    for (size_t i = 0; i < size; ++i) {
      logits.first.push_back(normal(random));
      logits.second.push_back(logits.first.back() + 0.3F * normal(random));
    }
    return logits;
  }

  static Rows Ours(Rows logits, size_t label, float label_smoothing, float alpha) {
    std::vector<float> scratch(logits.first.size());
    logits.loss = RDropRows(logits.first.data(), logits.second.data(), scratch.data(),
                            static_cast<int64_t>(scratch.size()), static_cast<int64_t>(label),
                            label_smoothing, alpha);
    return logits;
  }
};

TEST_F(RDropRowsTest, IsTheFormulaInDoublePrecision) {
  for (const size_t size : {1, 2, 3, 7, 8, 9, 15, 17, 31, 64, 333, 8001}) {
    for (const float scale : {0.1F, 3.0F, 100.0F, 10'000.0F}) {
      for (const float alpha : {0.0F, 0.7F, 5.0F}) {
        SCOPED_TRACE(testing::Message() << size << " logits of " << scale << ", alpha " << alpha);
        const Rows logits = Drawn(size, scale);
        const size_t label = size / 2;
        const Rows exact = Exact(logits, label, 0.1F, alpha);
        const Rows ours = Ours(logits, label, 0.1F, alpha);
        EXPECT_NEAR(ours.loss, exact.loss, 1e-5 * std::abs(exact.loss) + 1e-6);
        ExpectClose(ours.first, exact.first, 2e-5);
        ExpectClose(ours.second, exact.second, 2e-5);
      }
    }
  }
}

TEST_F(RDropRowsTest, OfBfloat16IsThatOfTheSameNumbersInFp32) {
  for (const size_t size : {1, 7, 16, 333}) {
    SCOPED_TRACE(size);
    Rows logits = Drawn(size, 3.0F);
    std::vector<uint16_t> first;
    std::vector<uint16_t> second;
    for (size_t i = 0; i < size; ++i) {
      first.push_back(ToBfloat16(logits.first[i]));
      second.push_back(ToBfloat16(logits.second[i]));
      logits.first[i] = FromBfloat16(first[i]);
      logits.second[i] = FromBfloat16(second[i]);
    }
    std::vector<float> scratch(3 * size);
    const float loss = RDropRows(first.data(), second.data(), scratch.data(),
                                 static_cast<int64_t>(size), 0, 0.1F, 5.0F);
    const Rows exact = Ours(logits, 0, 0.1F, 5.0F);
    EXPECT_EQ(loss, static_cast<float>(exact.loss));
    for (size_t i = 0; i < size; ++i) {
      EXPECT_EQ(first[i], ToBfloat16(exact.first[i]));
      EXPECT_EQ(second[i], ToBfloat16(exact.second[i]));
    }
  }
}

TEST_F(RDropRowsTest, ShowsWhatIsNoNumber) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    Rows logits = Drawn(33, 1.0F);
    logits.second[20] = bad;
    EXPECT_TRUE(std::isnan(Ours(logits, 0, 0.1F, 5.0F).loss));
  }
}

}  // namespace
}  // namespace wavemt
