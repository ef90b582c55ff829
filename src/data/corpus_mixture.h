#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/tokenized_corpus.h"

namespace wavemt {

/// The training corpora of a run as one, and which of their pairs each pass takes.
///
/// A pass ("epoch") takes about as many pairs as the corpora have together, from each a fixed
/// number that its weight or the temperature determines. Each corpus is gone through in an order of
/// its own, again and again: none of its pairs is taken a second time before all have been taken
/// once. Where a pass stands in each corpus follows from the number of the pass, so that a data
/// position remains two numbers.
class CorpusMixture : public TokenizedCorpus {
 public:
  struct Part {
    std::string name;
    std::unique_ptr<const TokenizedCorpus> corpus;
    int64_t num_tags = 0;  // Tokens of its source_prefix, which each source begins with.
    double weight = 0.0;   // How often its pairs are drawn, compared with the others. 0: not given.
  };

  /// Either all parts have weights, or none has: then pairs of a part are drawn in proportion to
  /// size^(1 / temperature) (Arivazhagan et al. 2019), which for 1 means each pair once a pass. The
  /// weights of a part's sentences are divided by their mean.
  ///
  /// REQUIRES: at least one part; each holds pairs; temperature >= 1. Throws a usage error if there
  /// are more than 2^32 - 1 pairs.
  CorpusMixture(std::vector<Part> parts, double temperature);

  int64_t size() const override { return ends_.back(); }
  uint32_t checksum() const override { return checksum_; }
  bool has_weights() const override { return has_weights_; }
  std::vector<uint32_t> PairsOfEpoch(int64_t epoch, uint64_t seed) const override;
  PairLengths lengths(int64_t pair) const override;
  std::vector<int32_t> source(int64_t pair) const override;
  std::vector<int32_t> target(int64_t pair) const override;
  float weight(int64_t pair) const override;
  bool has_text() const override;
  PairText text(int64_t pair) const override;

  /// "an epoch takes 29,000 pairs: 14,500 of news (1.00 of it), 14,500 of web (0.25 of it)"
  std::string Summary() const;

 private:
  // A pair of the mixture in its part.
  struct Place {
    size_t part = 0;
    int64_t pair = 0;
  };
  Place Find(int64_t pair) const;
  int64_t Begin(size_t part) const { return part == 0 ? 0 : ends_[part - 1]; }

  std::vector<Part> parts_;
  std::vector<int64_t> ends_;         // In the mixture, of each part's pairs.
  std::vector<int64_t> per_epoch_;    // How many pairs of each part a pass takes.
  std::vector<double> mean_weights_;  // Of the sentences of each part.
  bool has_weights_ = false;
  uint32_t checksum_ = 0;
};

}  // namespace wavemt
