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

/// Scores one system's translations as they come, so that their text need not be held.
class SystemScorer {
 public:
  /// `metrics` must outlive the scorer. Segments' statistics are kept if `keep_statistics`, as
  /// resampling needs them.
  SystemScorer(const MetricList& metrics, bool keep_statistics);

  /// Measures the next segments. With `sentences`, prints the score of each by the first metric.
  void Add(std::span<const Segment> segments, ScorePrinter* sentences = nullptr);

  /// The corpus's scores so far, one a metric.
  std::vector<MetricResult> Results() const;
  /// Of all segments, one a metric.
  const std::vector<Statistics>& statistics() const { return statistics_; }

 private:
  const MetricList& metrics_;
  bool keep_statistics_;
  std::vector<std::vector<double>> sums_;
  std::vector<Statistics> statistics_;
  std::optional<size_t> num_references_;  // Of each segment so far; 0 if it differs.
};

/// How often to resample, with the seed: $SACREBLEU_SEED, 12345 where that is not set, a fresh one
/// where it is "none".
struct Resampling {
  ResamplingOptions options;
  std::string seed_name;  // For the signature.
};
Resampling ResamplingFromEnvironment(int64_t samples);

/// Gives `results`, which are the scorer's, their confidence intervals.
void AddConfidence(const SystemScorer& scorer, int64_t samples, std::vector<MetricResult>* results);

}  // namespace wavemt
