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

/// A translation and what it is compared with. Text is well-formed UTF-8.
struct Segment {
  std::string_view hypothesis;
  std::vector<std::string_view> references;  // At least one.
};

/// Turns a segment into its sufficient statistics: numbers whose sums over a corpus decide the
/// corpus's score. Works in buffers of its own, so that each thread needs one.
class SegmentMeter {
 public:
  virtual ~SegmentMeter() = default;
  virtual void Measure(const Segment& segment, std::span<double> statistics) = 0;
};

/// What sacreBLEU holds sums of statistics in, which shows in the digits of the score.
enum class SumType {
  kPython,   // Python's own numbers: the score of a corpus or a sentence.
  kFloat32,  // NumPy float32: a corpus drawn by the bootstrap.
  kInt64,    // NumPy int64: a corpus made by approximate randomization.
};
inline NumpyNumber SumAsNumber(double sum, SumType type) {
  return type == SumType::kFloat32 ? NumpyNumber::Float32(sum) : NumpyNumber(sum);
}

/// A score from 0 to 100 (TER: from 0 on) with the metric's own numbers.
struct Score {
  using Number = std::variant<int64_t, double, std::vector<double>>;

  double value = 0;
  std::string details;  // What sacreBLEU's line says behind the score; may be empty.
  std::vector<std::pair<std::string, Number>> parts;
};

/// One "name:value" of a signature. sacreBLEU's short signatures have shorter names.
struct SignatureItem {
  std::string name;
  std::string short_name;
  std::string value;
};

/// A way to score translations, with its options. Figures are those of sacreBLEU 2.6.0.
class Metric {
 public:
  virtual ~Metric() = default;

  /// "BLEU", "chrF2++", "TER".
  virtual std::string Name() const = 0;
  virtual std::vector<SignatureItem> SignatureItems() const = 0;

  virtual size_t NumStatistics() const = 0;
  virtual std::unique_ptr<SegmentMeter> NewMeter() const = 0;

  /// The score of a corpus whose segments' statistics add up to `sums`.
  virtual NumpyNumber ScoreOf(std::span<const double> sums, SumType type) const = 0;
  virtual Score FullScore(std::span<const double> sums) const = 0;
};

}  // namespace wavemt
