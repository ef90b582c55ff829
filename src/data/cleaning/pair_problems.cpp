#include "data/cleaning/pair_problems.h"

namespace wavemt {

std::string_view NameOf(PairProblem problem) {
  switch (problem) {
    case PairProblem::kBlank:
      return "blank";
    case PairProblem::kBadEncoding:
      return "bad_encoding";
    case PairProblem::kTooLong:
      return "too_long";
    case PairProblem::kLengthRatio:
      return "length_ratio";
    case PairProblem::kWrongScript:
      return "wrong_script";
    case PairProblem::kCopy:
      return "copy";
    case PairProblem::kDifferentNumbers:
      return "different_numbers";
    case PairProblem::kDuplicate:
      return "duplicate";
    case PairProblem::kHeldOut:
      return "held_out";
  }
  return "";
}

std::optional<PairProblem> PairProblems::First() const {
  for (const PairProblem problem : kPairProblems) {
    if (Has(problem)) return problem;
  }
  return std::nullopt;
}

PairProblems RemovedBy(const PairFilter& filter) {
  PairProblems removed;
  const auto add_if = [&](bool is_on, PairProblem problem) {
    if (is_on) removed.Add(problem);
  };
  add_if(true, PairProblem::kBlank);
  add_if(filter.remove_bad_encoding, PairProblem::kBadEncoding);
  add_if(filter.max_words > 0, PairProblem::kTooLong);
  add_if(filter.max_length_ratio > 0, PairProblem::kLengthRatio);
  add_if(filter.min_script_share > 0, PairProblem::kWrongScript);
  add_if(filter.remove_copies, PairProblem::kCopy);
  add_if(filter.remove_different_numbers, PairProblem::kDifferentNumbers);
  add_if(filter.remove_duplicates, PairProblem::kDuplicate);
  return removed;
}

PairFilter RecommendedFilter() {
  return {.max_words = 250,
          .max_length_ratio = 4.0,
          .min_script_share = 0.25,
          .remove_copies = true,
          .remove_bad_encoding = true,
          .remove_different_numbers = false,
          .remove_duplicates = true};
}

}  // namespace wavemt
