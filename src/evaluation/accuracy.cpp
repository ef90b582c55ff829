#include "evaluation/accuracy.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/whitespace.h"

namespace wavemt {
namespace {

// Indices of a segment's statistics.
constexpr size_t kCorrect = 0;
constexpr size_t kLines = 1;
constexpr size_t kNumAccuracyStatistics = 2;

class AccuracyMeter : public SegmentMeter {
 public:
  void Measure(const Segment& segment, std::span<double> statistics) override {
    const std::string_view hypothesis = Strip(segment.hypothesis);
    const bool is_correct = std::ranges::any_of(
        segment.references,
        [&](std::string_view reference) { return Strip(reference) == hypothesis; });
    statistics[kCorrect] = is_correct ? 1 : 0;
    statistics[kLines] = 1;
  }
};

}  // namespace

std::vector<SignatureItem> Accuracy::SignatureItems() const {
  return {{"case", "c", "mixed"}, {"space", "sp", "stripped"}};
}

size_t Accuracy::NumStatistics() const { return kNumAccuracyStatistics; }

std::unique_ptr<SegmentMeter> Accuracy::NewMeter() const {
  return std::make_unique<AccuracyMeter>();
}

NumpyNumber Accuracy::ScoreOf(std::span<const double> sums, SumType type) const {
  const double correct = sums[kCorrect];
  const double lines = sums[kLines];
  if (lines <= 0) return 0.0;
  if (type == SumType::kFloat32) {
    return NumpyNumber(100.0) * (NumpyNumber::Float32(correct) / NumpyNumber::Float32(lines));
  }
  return 100.0 * (correct / lines);
}

Score Accuracy::FullScore(std::span<const double> sums) const {
  const auto correct = static_cast<int64_t>(sums[kCorrect]);
  const auto lines = static_cast<int64_t>(sums[kLines]);
  return {.value = ScoreOf(sums, SumType::kPython).value(),
          .details = fmt::format("({} of {})", correct, lines),
          .components = {{"num_correct", correct}, {"num_lines", lines}}};
}

}  // namespace wavemt
