#pragma once

#include "evaluation/metric.h"

namespace wavemt {

struct ChrfOptions {
  int char_order = 6;  // Longest n-gram of characters.
  int word_order = 0;  // Longest n-gram of words; 2 gives chrF++. At least one order is above 0.
  int beta = 2;        // Weight of recall relative to precision.
  bool lowercase = false;
  bool whitespace = false;     // Counts spaces as characters.
  bool eps_smoothing = false;  // As in chrF++.py, NLTK and Moses, instead of effective order.
};

/// chrF (Popovic 2015) and chrF++ (Popovic 2017).
class Chrf : public Metric {
 public:
  explicit Chrf(const ChrfOptions& options) : options_(options) {}

  std::string Name() const override;
  std::vector<SignatureItem> SignatureItems() const override;
  size_t NumStatistics() const override;
  std::unique_ptr<SegmentMeter> NewMeter() const override;
  NumpyNumber ScoreOf(std::span<const double> sums, SumType type) const override;
  Score FullScore(std::span<const double> sums) const override;

 private:
  ChrfOptions options_;
};

}  // namespace wavemt
