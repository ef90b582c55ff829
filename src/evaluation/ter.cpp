#include "evaluation/ter.h"

#include <algorithm>
#include <limits>

#include "evaluation/translation_edits.h"
#include "evaluation/word_numbers.h"

namespace wavemt {
namespace {

// Indices of a segment's statistics.
constexpr size_t kEdits = 0;                // To the nearest reference.
constexpr size_t kMeanReferenceLength = 1;  // Mean of the references' lengths.
constexpr size_t kNumTerStatistics = 2;

class TerMeter : public SegmentMeter {
 public:
  explicit TerMeter(const TercomOptions& options) : options_(options) {}

  void Measure(const Segment& segment, std::span<double> statistics) override {
    words_.Clear();
    texts_.clear();
    // words_ refers to these texts, so they must not be moved by a reallocation.
    texts_.reserve(segment.references.size() + 1);
    Read(segment.hypothesis, TerSide::kHypothesis, &hypothesis_);
    int64_t least = std::numeric_limits<int64_t>::max();
    int64_t length_sum = 0;
    for (const std::string_view line : segment.references) {
      Read(line, TerSide::kReference, &reference_);
      length_sum += static_cast<int64_t>(reference_.size());
      least = std::min(least, edits_.Count(hypothesis_, reference_));
    }
    statistics[kEdits] = static_cast<double>(least);
    statistics[kMeanReferenceLength] =
        static_cast<double>(length_sum) / static_cast<double>(segment.references.size());
  }

 private:
  void Read(std::string_view line, TerSide side, std::vector<uint32_t>* numbers) {
    texts_.push_back(TokenizeForTer(line, side, options_));
    numbers->clear();
    words_.Append(texts_.back(), numbers);
  }

  TercomOptions options_;
  WordNumbers words_;
  TranslationEdits edits_;
  std::vector<std::string> texts_;
  std::vector<uint32_t> hypothesis_;
  std::vector<uint32_t> reference_;
};

std::string YesOrNo(bool value) { return value ? "yes" : "no"; }

}  // namespace

std::vector<SignatureItem> Ter::SignatureItems() const {
  return {{"case", "c", options_.case_sensitive ? "mixed" : "lc"},
          {"tok", "t", "tercom"},
          {"norm", "nr", YesOrNo(options_.normalized)},
          {"punct", "pn", YesOrNo(!options_.no_punct)},
          {"asian", "as", YesOrNo(options_.asian_support)}};
}

size_t Ter::NumStatistics() const { return kNumTerStatistics; }

std::unique_ptr<SegmentMeter> Ter::NewMeter() const { return std::make_unique<TerMeter>(options_); }

NumpyNumber Ter::ScoreOf(std::span<const double> sums, SumType type) const {
  const double edits = sums[kEdits];
  const double length = sums[kMeanReferenceLength];
  if (length <= 0) return edits > 0 ? 100.0 : 0.0;  // The references are empty.
  if (type == SumType::kFloat32) {
    return NumpyNumber(100.0) * (NumpyNumber::Float32(edits) / NumpyNumber::Float32(length));
  }
  return 100.0 * (edits / length);
}

Score Ter::FullScore(std::span<const double> sums) const {
  return {.value = ScoreOf(sums, SumType::kPython).value(),
          .details = "",
          .components = {{"num_edits", static_cast<int64_t>(sums[kEdits])},
                         {"reference_length", sums[kMeanReferenceLength]}}};
}

}  // namespace wavemt
