#pragma once

#include "evaluation/metric.h"

namespace wavemt {

struct ChrfOptions {
  int char_order = 6;  // Longest n-gram of characters.
  int word_order = 0;  // Longest n-gram of words; 2 makes it chrF++. Not both are 0.
  int beta = 2;        // How many times recall counts as much as precision.
  bool lowercase = false;
  bool whitespace = false;     // Spaces are characters.
  bool eps_smoothing = false;  // As chrF++.py, NLTK and Moses do it, not by effective order.
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
