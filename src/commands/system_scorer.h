#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "commands/score_printer.h"
#include "evaluation/metric.h"
#include "evaluation/resampling.h"
#include "evaluation/statistics.h"

namespace wavemt {

using MetricList = std::vector<std::unique_ptr<Metric>>;

/// Scores one system's translations incrementally, so that their text need not be kept in memory.
class SystemScorer {
 public:
  /// `metrics` must outlive the scorer. `keep_statistics` keeps the statistics of each segment,
  /// which resampling needs.
  SystemScorer(const MetricList& metrics, bool keep_statistics);

  /// Measures the next segments. If `sentences` is given, prints each one's score by the first
  /// metric.
  void Add(std::span<const Segment> segments, ScorePrinter* sentences = nullptr);

  /// The scores of all segments so far, one per metric.
  std::vector<MetricResult> Results() const;
  /// The statistics of all segments so far, one object per metric.
  const std::vector<Statistics>& statistics() const { return statistics_; }

 private:
  const MetricList& metrics_;
  bool keep_statistics_;
  std::vector<std::vector<double>> sums_;
  std::vector<Statistics> statistics_;
  std::optional<size_t> num_references_;  // Per segment so far; 0 if it varies.
};

/// Resampling options with the seed from $SACREBLEU_SEED: 12345 if it is not set, a random seed if
/// it is "none".
struct Resampling {
  ResamplingOptions options;
  std::string seed_name;  // For the signature.
};
Resampling ResamplingFromEnvironment(int64_t samples);

/// Adds confidence intervals to `results`, which must come from scorer.Results().
void AddConfidence(const SystemScorer& scorer, int64_t samples, std::vector<MetricResult>* results);

}  // namespace wavemt
