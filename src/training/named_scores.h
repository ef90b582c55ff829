#pragma once

#include <string>
#include <vector>

#include "training/validation.h"

namespace wavemt {

/// The key of the scores that select the best checkpoint. They stand under it even if they are
/// those of a set with a key of its own.
inline constexpr const char* kValidKey = "valid";

/// A score as logs have it.
struct NamedScore {
  std::string name{};  // "valid/bleu", "valid/news/bleu"
  double value = 0;
  std::string signature{};  // Empty: it has none.

  friend bool operator==(const NamedScore&, const NamedScore&) = default;
};

/// All scores of a validation; those of the first set under kValidKey too.
std::vector<NamedScore> NamedScoresOf(const std::vector<SetScores>& sets);

}  // namespace wavemt
