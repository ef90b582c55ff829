#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/config.h"

namespace wavemt {

/// What can be wrong with a sentence pair. Of several problems, the first one here is the reason
/// that a pair is left out for.
enum class PairProblem : uint8_t {
  kBlank,             // A side is empty: it shows nothing.
  kBadEncoding,       // Traces of a wrong encoding; see HasBadEncoding().
  kTooLong,           // PairFilter::max_words; see SizeOfText().
  kLengthRatio,       // PairFilter::max_length_ratio, with 3 words more allowed.
  kWrongScript,       // PairFilter::min_script_share; see LanguageScripts.
  kCopy,              // Both sides are the same, apart from case and white space.
  kDifferentNumbers,  // A number is on one side only; see NumbersOf().
  kDuplicate,         // The corpus has had the pair before; see FingerprintsOf().
  kHeldOut,           // A side is in a held-out text.
};

inline constexpr std::array kPairProblems = {PairProblem::kBlank,
                                             PairProblem::kBadEncoding,
                                             PairProblem::kTooLong,
                                             PairProblem::kLengthRatio,
                                             PairProblem::kWrongScript,
                                             PairProblem::kCopy,
                                             PairProblem::kDifferentNumbers,
                                             PairProblem::kDuplicate,
                                             PairProblem::kHeldOut};

/// The name in reports and JSON, for example "bad_encoding".
std::string_view NameOf(PairProblem problem);

/// A set of problems.
class PairProblems {
 public:
  constexpr PairProblems() = default;

  constexpr void Add(PairProblem problem) { bits_ = static_cast<uint16_t>(bits_ | BitOf(problem)); }
  constexpr bool Has(PairProblem problem) const { return (bits_ & BitOf(problem)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  /// The problems that are in `other` too.
  constexpr PairProblems In(PairProblems other) const {
    PairProblems both;
    both.bits_ = static_cast<uint16_t>(bits_ & other.bits_);
    return both;
  }
  /// The first one in the order of PairProblem.
  std::optional<PairProblem> First() const;

  constexpr bool operator==(const PairProblems&) const = default;

 private:
  static constexpr unsigned BitOf(PairProblem problem) {
    return 1U << static_cast<unsigned>(problem);
  }

  uint16_t bits_ = 0;
};

/// The problems for which `filter` leaves a pair out. kBlank is always among them, since a pair
/// with a blank side teaches nothing; kHeldOut never is, since `filter` knows no held-out text.
PairProblems RemovedBy(const PairFilter& filter);

/// The limits of `wavemt corpus check` and `filter` where options do not say otherwise. Of clean
/// text they leave out little: 5 of 29,000 pairs of Multi30k (English-German), of which two are no
/// translations and three are duplicates, and 24 of 23,931 pairs of 3AM (English-Chinese). There,
/// half the letters of a good Chinese sentence are often those of foreign names, hence a share of
/// 1/4.
PairFilter RecommendedFilter();

}  // namespace wavemt
