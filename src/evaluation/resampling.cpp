#include "evaluation/resampling.h"

#include <algorithm>
#include <cmath>

#include "evaluation/numpy_random.h"

namespace wavemt {
namespace {

// NumPy's pairwise summation of a contiguous array, with eight partial sums in each block.
template <typename Float>
Float PairwiseSum(std::span<const Float> values) {
  constexpr size_t kBlock = 128;
  const size_t n = values.size();
  if (n < 8) {
    Float sum = 0;
    for (const Float value : values) sum += value;
    return sum;
  }
  if (n <= kBlock) {
    Float r[8];
    std::copy_n(values.begin(), 8, r);
    size_t i = 8;
    for (; i < n - n % 8; i += 8) {
      for (size_t k = 0; k < 8; ++k) r[k] += values[i + k];
    }
    Float sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; ++i) sum += values[i];
    return sum;
  }
  const size_t half = n / 2 - (n / 2) % 8;
  return PairwiseSum(values.first(half)) + PairwiseSum(values.subspan(half));
}

// NumPy's array.mean().
double ArrayMean(const ResampledScores& scores) {
  if (!scores.is_float32) {
    return PairwiseSum(std::span(scores.values)) / static_cast<double>(scores.values.size());
  }
  const std::vector<float> values(scores.values.begin(), scores.values.end());
  return PairwiseSum(std::span<const float>(values)) / static_cast<float>(values.size());
}

ResampledScores ToArray(std::span<const NumpyNumber> scores) {
  ResampledScores array;
  array.is_float32 =
      std::all_of(scores.begin(), scores.end(), [](NumpyNumber s) { return s.is_float32(); });
  for (const NumpyNumber score : scores) array.values.push_back(score.value());
  return array;
}

double Rounded(double value, bool to_float32) {
  return to_float32 ? static_cast<double>(static_cast<float>(value)) : value;
}

ResampledScores Sorted(ResampledScores scores) {
  std::sort(scores.values.begin(), scores.values.end());
  return scores;
}

double HalfWidth(const ResampledScores& sorted) {
  const auto& values = sorted.values;
  const size_t left_out = values.size() / 40;
  return 0.5 * Rounded(values[values.size() - left_out - 1] - values[left_out], sorted.is_float32);
}

// |a - b| of each pair, as a NumPy array.
ResampledScores Differences(const ResampledScores& a, const ResampledScores& b) {
  ResampledScores result;
  result.is_float32 = a.is_float32 && b.is_float32;
  for (size_t i = 0; i < a.values.size(); ++i) {
    result.values.push_back(Rounded(std::abs(a.values[i] - b.values[i]), result.is_float32));
  }
  return result;
}

// Adding one keeps the rate of false rejections within the level (Riezler and Maxwell 2005).
double PValue(const ResampledScores& differences, double real_difference) {
  const double compared = Rounded(real_difference, differences.is_float32);
  const auto larger = std::count_if(differences.values.begin(), differences.values.end(),
                                    [=](double difference) { return difference > compared; });
  return (static_cast<double>(larger) + 1) / (static_cast<double>(differences.values.size()) + 1);
}

double RealDifference(const Metric& metric, const Statistics& baseline, const Statistics& system) {
  std::vector<double> baseline_sums(baseline.columns());
  std::vector<double> system_sums(system.columns());
  baseline.AddTo(&baseline_sums);
  system.AddTo(&system_sums);
  return std::abs(metric.ScoreOf(baseline_sums, SumType::kPython).value() -
                  metric.ScoreOf(system_sums, SumType::kPython).value());
}

}  // namespace

ResampledScores Bootstrap(const Metric& metric, const Statistics& statistics,
                          const ResamplingOptions& options) {
  const std::vector<float> values(statistics.values().begin(), statistics.values().end());
  const size_t columns = statistics.columns();
  const auto segments = static_cast<uint32_t>(statistics.size());
  NumpyRandom random(options.seed);
  std::vector<float> sums(columns);
  std::vector<NumpyNumber> scores;
  for (int64_t sample = 0; sample < options.samples; ++sample) {
    std::fill(sums.begin(), sums.end(), 0.0F);
    for (uint32_t i = 0; i < segments; ++i) {
      const float* row = values.data() + random.Below(segments) * columns;
      for (size_t k = 0; k < columns; ++k) sums[k] += row[k];
    }
    const std::vector<double> exact(sums.begin(), sums.end());
    scores.push_back(metric.ScoreOf(exact, SumType::kFloat32));
  }
  return ToArray(scores);
}

ConfidenceInterval EstimateInterval(const ResampledScores& scores) {
  // Python's statistics.mean() is exact up to one rounding; long double is close enough.
  long double sum = 0;
  for (const double value : scores.values) sum += value;
  const auto mean = static_cast<double>(sum / static_cast<long double>(scores.values.size()));
  return {.mean = Rounded(mean, scores.is_float32), .half_width = HalfWidth(Sorted(scores))};
}

ConfidenceInterval EstimateIntervalOfArray(const ResampledScores& scores) {
  // Sorting first affects the last digit of a float32 mean.
  const ResampledScores sorted = Sorted(scores);
  return {.mean = ArrayMean(sorted), .half_width = HalfWidth(sorted)};
}

Comparison PairedBootstrap(const Metric& metric, const Statistics& baseline,
                           const Statistics& system, const ResamplingOptions& options) {
  const ResampledScores baseline_scores = Bootstrap(metric, baseline, options);
  const ResampledScores system_scores = Bootstrap(metric, system, options);
  ResampledScores differences = Differences(system_scores, baseline_scores);
  const double mean = ArrayMean(differences);
  for (double& difference : differences.values) {
    difference = Rounded(difference - mean, differences.is_float32);
  }
  return {.p_value = PValue(differences, RealDifference(metric, baseline, system)),
          .interval = EstimateIntervalOfArray(system_scores)};
}

Comparison PairedApproximateRandomization(const Metric& metric, const Statistics& baseline,
                                          const Statistics& system,
                                          const ResamplingOptions& options) {
  NumpyRandom random(options.seed);
  NumpyRandomBits bits(&random);
  const size_t columns = baseline.columns();
  ResampledScores differences;
  for (int64_t trial = 0; trial < options.samples; ++trial) {
    // For each of the two mixed corpora: the sums from the baseline, then those from the system.
    std::vector<double> sums(4 * columns);
    for (size_t i = 0; i < baseline.size(); ++i) {
      const bool stays = bits.Next();
      double* from_baseline = sums.data() + (stays ? 0 : 2 * columns);
      double* from_system = sums.data() + (stays ? 3 * columns : columns);
      const double* baseline_row = baseline.row(i).data();
      const double* system_row = system.row(i).data();
      for (size_t k = 0; k < columns; ++k) from_baseline[k] += baseline_row[k];
      for (size_t k = 0; k < columns; ++k) from_system[k] += system_row[k];
    }
    for (size_t k = 0; k < columns; ++k) {
      sums[k] += sums[columns + k];
      sums[2 * columns + k] += sums[3 * columns + k];
    }
    const std::span<const double> all(sums);
    const double a = metric.ScoreOf(all.subspan(0, columns), SumType::kInt64).value();
    const double b = metric.ScoreOf(all.subspan(2 * columns, columns), SumType::kInt64).value();
    differences.values.push_back(std::abs(a - b));
  }
  return {.p_value = PValue(differences, RealDifference(metric, baseline, system)),
          .interval = std::nullopt};
}

}  // namespace wavemt
