#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "evaluation/metric.h"
#include "evaluation/statistics.h"

namespace wavemt {

/// The number of samples and the seed. With the same seed, the draws are those of sacreBLEU.
struct ResamplingOptions {
  int64_t samples = 1000;
  uint64_t seed = 12345;
};

/// Scores of resampled corpora as NumPy would hold them: a float32 array if all scores are float32.
struct ResampledScores {
  std::vector<double> values;
  bool is_float32 = false;
};

/// The scores of corpora whose segments are drawn from `statistics` with replacement (Koehn 2004).
ResampledScores Bootstrap(const Metric& metric, const Statistics& statistics,
                          const ResamplingOptions& options);

/// The central 95% of resampled scores.
struct ConfidenceInterval {
  double mean = 0;
  double half_width = 0;
};
ConfidenceInterval EstimateInterval(const ResampledScores& scores);
/// The same with NumPy's array.mean(), as in sacreBLEU's paired tests.
ConfidenceInterval EstimateIntervalOfArray(const ResampledScores& scores);

/// How a system compares with a baseline.
struct Comparison {
  double p_value = 1;                          // The chance of a difference this large.
  std::optional<ConfidenceInterval> interval;  // Of the system.
};

/// REQUIRES, here and below: both statistics are of the same segments.
Comparison PairedBootstrap(const Metric& metric, const Statistics& baseline,
                           const Statistics& system, const ResamplingOptions& options);
/// Riezler and Maxwell 2005.
Comparison PairedApproximateRandomization(const Metric& metric, const Statistics& baseline,
                                          const Statistics& system,
                                          const ResamplingOptions& options);

}  // namespace wavemt
