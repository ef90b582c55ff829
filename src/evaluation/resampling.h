#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "evaluation/metric.h"
#include "evaluation/statistics.h"

namespace wavemt {

/// How often to resample, and what decides the draws. The same seed gives sacreBLEU's draws.
struct ResamplingOptions {
  int64_t samples = 1000;
  uint64_t seed = 12345;
};

/// Scores of resampled corpora as a NumPy array holds them: of float32 if all of them are.
struct ResampledScores {
  std::vector<double> values;
  bool is_float32 = false;
};

/// The scores of corpora whose segments are drawn from `statistics` with replacement (Koehn 2004).
ResampledScores Bootstrap(const Metric& metric, const Statistics& statistics,
                          const ResamplingOptions& options);

/// The middle 95% of resampled scores.
struct ConfidenceInterval {
  double mean = 0;
  double half_width = 0;
};
ConfidenceInterval EstimateInterval(const ResampledScores& scores);
/// The same by NumPy's mean() of an array, as in sacreBLEU's paired tests.
ConfidenceInterval EstimateIntervalOfArray(const ResampledScores& scores);

/// How a system compares with a baseline.
struct Comparison {
  double p_value = 1;                          // That a difference as large comes about by chance.
  std::optional<ConfidenceInterval> interval;  // Of the system.
};

/// REQUIRES, for both: the statistics are of the same segments.
Comparison PairedBootstrap(const Metric& metric, const Statistics& baseline,
                           const Statistics& system, const ResamplingOptions& options);
/// Riezler and Maxwell 2005.
Comparison PairedApproximateRandomization(const Metric& metric, const Statistics& baseline,
                                          const Statistics& system,
                                          const ResamplingOptions& options);

}  // namespace wavemt
