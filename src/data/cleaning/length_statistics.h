#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "data/cleaning/word_count.h"

namespace wavemt {

/// How many values are at least `from` and less than that of the next bin.
template <typename Number>
struct HistogramBin {
  Number from = 0;
  int64_t count = 0;
};

/// The lengths of the texts of one side of a corpus, in words.
class LengthStatistics {
 public:
  void Add(const TextSize& text);

  int64_t texts() const { return texts_; }
  int64_t words() const { return words_; }
  int64_t characters() const { return characters_; }
  // Of no texts: 0.
  int64_t shortest() const;
  int64_t longest() const;
  double mean() const;
  /// The middle one; of an even number of texts, the mean of the two in the middle.
  double median() const;
  /// Finer among the usual lengths than among the unusual.
  std::vector<HistogramBin<int64_t>> Histogram() const;

 private:
  int64_t LengthOfText(int64_t rank) const;

  int64_t texts_ = 0;
  int64_t words_ = 0;
  int64_t characters_ = 0;
  std::map<int64_t, int64_t> counts_;  // Of texts, by words.
};

/// How many times the words of the source the target has.
class RatioStatistics {
 public:
  RatioStatistics();
  /// REQUIRES: both sides have words.
  void Add(int64_t source_words, int64_t target_words);

  const std::vector<HistogramBin<double>>& histogram() const { return bins_; }

 private:
  std::vector<HistogramBin<double>> bins_;
};

}  // namespace wavemt
