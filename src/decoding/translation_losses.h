#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/corpus_profile.h"
#include "decoding/translator.h"

namespace wavemt {

/// Collects the lines of a text whose translations may be incomplete, for warnings at the end.
class TranslationLosses {
 public:
  /// `line_number` starts at 1.
  void Add(int64_t line_number, const TranslatedLine& line);

  /// Logs one warning per kind of loss that occurred, with the numbers of the lines.
  void Warn(const Config& config, const TrainedOn& trained_on) const;

 private:
  // The lines with one kind of loss.
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
