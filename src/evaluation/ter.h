#pragma once

#include "evaluation/metric.h"
#include "evaluation/tercom_tokenizer.h"

namespace wavemt {

/// Translation edit rate (Snover et al. 2006), in edits per hundred reference words.
class Ter : public Metric {
 public:
  explicit Ter(const TercomOptions& options) : options_(options) {}

  std::string Name() const override { return "TER"; }
  std::vector<SignatureItem> SignatureItems() const override;
  size_t NumStatistics() const override;
  std::unique_ptr<SegmentMeter> NewMeter() const override;
  NumpyNumber ScoreOf(std::span<const double> sums, SumType type) const override;
  Score FullScore(std::span<const double> sums) const override;

 private:
  TercomOptions options_;
};

}  // namespace wavemt
