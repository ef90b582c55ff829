#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workflow/figures.h"

namespace wavemt {

/// The BLEU of the sentences whose source has a certain length.
struct LengthBucket {
  std::string words{};  // "11–20"
  int64_t sentences = 0;
  double bleu = 0;  // Of all of them together; 0 if there are none.
};

/// What a run's best model makes of a held-out text.
struct RunEvaluation {
  std::string checkpoint;  // Which model it was.
  std::string set;         // "data.valid (news)"
  int64_t sentences = 0;
  double bleu = 0;
  std::string signature;
  std::vector<LengthBucket> by_length{};  // Shortest first, without empty ones at the end.
  std::vector<AttentionGrid> attention{};
};

}  // namespace wavemt
