#pragma once

#include <cstdint>
#include <string_view>

#include "config/config.h"
#include "data/corpus.h"

namespace wavemt {

/// What can be wrong with a sentence pair.
enum class PairProblem : uint8_t {
  kBlank,             // A side is blank.
  kBadEncoding,       // Traces of a wrong encoding.
  kTooLong,           // PairFilter::max_words.
  kLengthRatio,       // PairFilter::max_length_ratio.
  kWrongScript,       // PairFilter::min_script_share.
  kCopy,              // Both sides are the same.
  kDifferentNumbers,  // A number is on one side only.
  kDuplicate,         // The corpus has had the pair before.
  kHeldOut,           // A side is in a held-out text.
};

}  // namespace wavemt
