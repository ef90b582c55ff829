#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "config/config.h"
#include "data/tokenizer.h"
#include "decoding/step_scorer.h"

namespace wavemt {

/// A finished translation.
struct Hypothesis {
  std::vector<int32_t> tokens;  // Without <s> and </s>.
  double log_probability = 0;   // Of the tokens and </s>, nats.
  double score = 0;             // log_probability / LengthPenalty(): what hypotheses compete by.
  bool was_cut = false;         // It would have gone on, but was as long as is allowed.
};

/// ((5 + length) / 6)^alpha, with </s> counted in the length. Wu et al. 2016, equation 14.
double LengthPenalty(int64_t length, double alpha);

/// What a search needs to know beside the model.
struct BeamSearchInput {
  /// The longest allowed output of each sentence in tokens, </s> included: [sentences].
  std::vector<int64_t> longest_output;
  SpecialTokens special;  // Of the target vocabulary.
  torch::Device device = torch::kCPU;
  /// Asked before each step; the answer true ends the search. May be empty.
  std::function<bool()> stop_requested{};
};

/// What is thrown where BeamSearchInput::stop_requested ends a search.
struct SearchStopped {};

/// Searches translations of all sentences of a batch at once. A sentence is done when beam_size of
/// its hypotheses have ended; it then leaves the batch. <pad>, <s> and <unk> are never produced.
/// Returns for each sentence its `n_best` best hypotheses, best first. With beam_size 1 this is
/// greedy search.
std::vector<std::vector<Hypothesis>> BeamSearch(StepScorer& scorer, const BeamSearchInput& input,
                                                const DecodingConfig& options);

}  // namespace wavemt
