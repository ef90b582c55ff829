#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "decoding/translation.h"

namespace wavemt {

/// Appends a translation unless its text is already in the list.
void AddDistinct(Translation translation, std::vector<Translation>* translations);

/// Joins the translations of a line's segments to translations of the line: the combinations with
/// the highest sums of scores or, of draws, the first of each segment, the second of each, and so
/// on. Joins texts only once, whatever the number of segments.
class SegmentCombiner {
 public:
  enum class Combine { kBest, kInOrder };
  SegmentCombiner(Combine combine, size_t n_best) : combine_(combine), n_best_(n_best) {}

  /// Adds the translations of the next segment, best first; source_tokens: how many it has.
  void Add(std::vector<Translation> segment, size_t source_tokens);

  /// Best first; a single blank one if there was no segment.
  std::vector<Translation> Combined() const;

 private:
  struct Choice {
    double score = 0;
    size_t previous = 0;  // Index into the previous segment's choices.
    size_t own = 0;       // Index into this segment's translations.
  };
  Translation Join(size_t choice) const;

  Combine combine_;
  size_t n_best_;
  std::vector<std::vector<Translation>> segments_;
  std::vector<size_t> first_source_tokens_;  // Of each segment, in the line.
  size_t source_tokens_ = 0;
  std::vector<std::vector<Choice>> choices_;  // For each segment, best first.
};

}  // namespace wavemt
