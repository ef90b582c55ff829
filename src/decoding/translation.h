#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "decoding/hypothesis.h"

namespace wavemt {

struct Translation {
  std::string text;
  /// Log-probability in nats, normalized by length, with the coverage penalty if there is one; in
  /// minimum Bayes risk decoding the expected metric. Of several segments the sum; 0 for a blank
  /// line.
  double score = 0;
  double log_probability = 0;  // Not normalized.
  /// The tokens of all segments. What they attended to are indices of TranslatedLine::source.
  TokenSequence sequence{};
  std::vector<float> end_log_probs{};  // Of each segment's </s>.
  bool was_cut = false;                // It reached the maximum length before it ended.
};

/// The translations of a line.
struct TranslatedLine {
  /// Best first, no duplicates; a blank one for a blank line. Draws: in their order, all of them.
  /// With Request::length_penalties: the best under each.
  std::vector<Translation> best;
  std::vector<int32_t> source{};  // The tokens of all segments.

  // Why the best translation may be incomplete.
  bool exceeds_training = false;  // A sentence is longer than any seen in training.
  bool was_cut = false;           // A sentence exceeded the model's positions and was cut.
  bool has_unknown = false;       // The line has characters that the vocabulary lacks.
  bool output_was_cut = false;    // The translation reached the maximum length before it ended.
};

/// Why one of a line's translations may be incomplete, a sentence without a full stop for each
/// reason; was_cut: that translation reached the maximum length.
std::vector<std::string> WarningsOf(const TranslatedLine& line, bool was_cut);

}  // namespace wavemt
