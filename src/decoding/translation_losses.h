#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/corpus_profile.h"
#include "decoding/translator.h"

namespace wavemt {

/// Counts the lines of a text in whose translations something may be missing, and says so once.
class TranslationLosses {
 public:
  /// `line_number`: from 1.
  void Add(int64_t line_number, const TranslatedLine& line);

  /// A warning for each way of losing something that occurred, with the numbers of the lines.
  void Warn(const Config& config, const TrainedOn& trained_on) const;

 private:
  // The lines that lost something in one way.
  struct Lines {
    int64_t count = 0;
    std::vector<int64_t> first;  // The numbers of the first few.

    void Add(int64_t line_number);
    std::string Text() const;  // "2 lines (4, 7)"
  };

  Lines exceeds_training_;
  Lines was_cut_;
  Lines has_unknown_;
  Lines output_was_cut_;
};

}  // namespace wavemt
