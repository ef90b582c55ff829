#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "evaluation/numpy_number.h"

namespace wavemt {

/// A translation and its references, as well-formed UTF-8.
struct Segment {
  std::string_view hypothesis;
  std::vector<std::string_view> references;  // At least one.
};

/// Computes a segment's sufficient statistics: numbers whose sums over a corpus determine the score
/// of the corpus. Holds buffers, so each thread needs its own meter.
class SegmentMeter {
 public:
  virtual ~SegmentMeter() = default;
  virtual void Measure(const Segment& segment, std::span<double> statistics) = 0;
};

/// The number type in which sacreBLEU holds sums of statistics. It affects the score's last digits.
enum class SumType {
  kPython,   // Python numbers: for the score of a corpus or sentence.
  kFloat32,  // NumPy float32: for a corpus drawn by the bootstrap.
  kInt64,    // NumPy int64: for a corpus made by approximate randomization.
};
inline NumpyNumber SumAsNumber(double sum, SumType type) {
  return type == SumType::kFloat32 ? NumpyNumber::Float32(sum) : NumpyNumber(sum);
}

/// A score from 0 to 100 (TER: 0 or more) with the numbers that make it up.
struct Score {
  using Number = std::variant<int64_t, double, std::vector<double>>;

  double value = 0;
  std::string details;  // What sacreBLEU prints after the score; may be empty.
  std::vector<std::pair<std::string, Number>> components;
};

/// One "name:value" of a signature, with the name that short signatures use.
struct SignatureItem {
  std::string name;
  std::string short_name;
  std::string value;
};

/// A metric for translations, with its options. Scores equal those of sacreBLEU 2.6.0.
class Metric {
 public:
  virtual ~Metric() = default;

  /// "BLEU", "chrF2++", "TER".
  virtual std::string Name() const = 0;
  virtual std::vector<SignatureItem> SignatureItems() const = 0;

  virtual size_t NumStatistics() const = 0;
  virtual std::unique_ptr<SegmentMeter> NewMeter() const = 0;

  /// The score of a corpus whose segments' statistics sum to `sums`.
  virtual NumpyNumber ScoreOf(std::span<const double> sums, SumType type) const = 0;
  virtual Score FullScore(std::span<const double> sums) const = 0;
};

}  // namespace wavemt
