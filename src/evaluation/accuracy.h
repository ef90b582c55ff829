#pragma once

#include "evaluation/metric.h"

namespace wavemt {

/// The percentage of lines that equal one of their references, where white space at both ends of a
/// line does not count: for tasks with one right answer, such as the class of a text. sacreBLEU has
/// no such metric; intervals and paired tests draw like its own.
class Accuracy : public Metric {
 public:
  std::string Name() const override { return "Accuracy"; }
  std::vector<SignatureItem> SignatureItems() const override;
  size_t NumStatistics() const override;
  std::unique_ptr<SegmentMeter> NewMeter() const override;
  NumpyNumber ScoreOf(std::span<const double> sums, SumType type) const override;
  Score FullScore(std::span<const double> sums) const override;
};

}  // namespace wavemt
