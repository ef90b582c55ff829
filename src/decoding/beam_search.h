#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "config/config.h"
#include "data/special_tokens.h"
#include "decoding/step_scorer.h"

namespace wavemt {

/// A finished translation.
struct Hypothesis {
  std::vector<int32_t> tokens;  // Without <s> and </s>.
  double log_probability = 0;   // Of the tokens and </s>, in nats.
  double score = 0;             // log_probability / LengthPenalty(); decides the ranking.
  bool was_cut = false;         // The model would have continued, but the length limit was reached.
};

/// ((5 + length) / 6)^alpha; `length` includes </s>. Wu et al. 2016, equation 14.
double LengthPenalty(int64_t length, double alpha);

/// What a search needs besides the model and the options.
struct BeamSearchInput {
  /// The maximum output length of each sentence, in tokens including </s>: [sentences].
  std::vector<int64_t> longest_output;
  SpecialTokens special;  // Of the target vocabulary.
  /// Called before each step; returning true aborts the search with SearchStopped. May be empty.
  std::function<bool()> stop_requested{};
};

/// Thrown when BeamSearchInput::stop_requested aborts a search.
struct SearchStopped {};

/// Translates all sentences of a batch at once. A sentence is finished, and leaves the batch, when
/// beam_size of its hypotheses have ended. <pad>, <s> and <unk> are never produced. Returns the
/// `n_best` best hypotheses of each sentence, best first. A beam_size of 1 is greedy search. Throws
/// a usage error if some sentence has no hypothesis with a finite probability.
std::vector<std::vector<Hypothesis>> BeamSearch(StepScorer& scorer, const BeamSearchInput& input,
                                                const DecodingConfig& options);

}  // namespace wavemt
