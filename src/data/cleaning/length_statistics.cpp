#include "data/cleaning/length_statistics.h"

#include <algorithm>
#include <cstddef>

namespace wavemt {
namespace {

constexpr int64_t kLengthBins[] = {1, 5, 10, 15, 20, 30, 40, 60, 100, 250};
constexpr double kRatioBins[] = {0, 0.25, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4};

}  // namespace

void LengthStatistics::Add(const TextSize& text) {
  ++texts_;
  words_ += text.words;
  characters_ += text.characters;
  ++counts_[text.words];
}

int64_t LengthStatistics::shortest() const { return counts_.empty() ? 0 : counts_.begin()->first; }

int64_t LengthStatistics::longest() const { return counts_.empty() ? 0 : counts_.rbegin()->first; }

double LengthStatistics::mean() const {
  return texts_ == 0 ? 0.0 : static_cast<double>(words_) / static_cast<double>(texts_);
}

int64_t LengthStatistics::LengthOfText(int64_t rank) const {
  int64_t before = 0;
  for (const auto& [length, count] : counts_) {
    before += count;
    if (rank < before) return length;
  }
  return 0;
}

double LengthStatistics::median() const {
  if (texts_ == 0) return 0.0;
  return static_cast<double>(LengthOfText((texts_ - 1) / 2) + LengthOfText(texts_ / 2)) / 2;
}

std::vector<HistogramBin<int64_t>> LengthStatistics::Histogram() const {
  std::vector<HistogramBin<int64_t>> bins;
  for (const int64_t from : kLengthBins) bins.push_back({.from = from});
  for (const auto& [length, count] : counts_) {
    size_t bin = bins.size() - 1;
    while (bin > 0 && length < bins[bin].from) --bin;
    bins[bin].count += count;
  }
  return bins;
}

RatioStatistics::RatioStatistics() {
  for (const double from : kRatioBins) bins_.push_back({.from = from});
}

void RatioStatistics::Add(int64_t source_words, int64_t target_words) {
  const double ratio = static_cast<double>(target_words) / static_cast<double>(source_words);
  size_t bin = bins_.size() - 1;
  while (bin > 0 && ratio < bins_[bin].from) --bin;
  ++bins_[bin].count;
}

}  // namespace wavemt
