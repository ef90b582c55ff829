#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decoding/translation.h"

namespace wavemt {

/// A text, and what stands between its lines.
struct TextLines {
  std::vector<std::string> lines;   // At least one, which may be empty.
  std::vector<std::string> breaks;  // "\n" or "\r\n" after each line but the last.
};

TextLines SplitIntoLines(std::string_view text);

/// The translations of a text, and why the best of them may be incomplete, in sentences.
struct TextTranslation {
  std::vector<Translation> best;  // Best first, no duplicates.
  std::vector<std::string> warnings{};
};

/// Puts the translations of the lines together: the n-th best text has the n-th best translation of
/// each line, or its last one; its score is the sum of theirs.
/// REQUIRES: a translated line for each break, and one more.
TextTranslation JoinLines(std::span<const TranslatedLine> lines,
                          std::span<const std::string> breaks);

}  // namespace wavemt
