#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "evaluation/metric.h"

namespace wavemt {

/// The sufficient statistics of segments, one row per segment.
class Statistics {
 public:
  explicit Statistics(size_t columns) : columns_(columns) {}

  size_t size() const { return values_.size() / columns_; }
  size_t columns() const { return columns_; }
  std::span<const double> row(size_t i) const {
    return std::span(values_).subspan(i * columns_, columns_);
  }
  std::span<const double> values() const { return values_; }

  void Append(const Statistics& more);
  /// Adds the rows to `sums`, in order.
  void AddTo(std::vector<double>* sums) const;

 private:
  friend Statistics Measure(const Metric& metric, std::span<const Segment> segments);

  size_t columns_;
  std::vector<double> values_;
};

/// Measures segments on all processors. The result does not depend on their number.
Statistics Measure(const Metric& metric, std::span<const Segment> segments);

/// The score of a corpus with a single reference per segment. REQUIRES: as many references as
/// hypotheses.
Score ScoreCorpus(const Metric& metric, std::span<const std::string> hypotheses,
                  std::span<const std::string> references);

}  // namespace wavemt
