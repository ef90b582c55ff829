#pragma once

#include <vector>

#include "config/config.h"
#include "decoding/hypothesis.h"
#include "decoding/search_input.h"
#include "decoding/step_scorer.h"

namespace wavemt {

/// Translates all sentences of a batch at once. A sentence is finished, and leaves the batch, when
/// beam_size of its hypotheses have ended. <pad>, <s> and <unk> are never produced. Returns the
/// `n_best` best hypotheses of each sentence, best first. A beam_size of 1 is greedy search. Throws
/// a usage error if some sentence has no hypothesis with a finite probability.
///
/// With a whole translation as target prefix, it scores that translation.
std::vector<std::vector<Hypothesis>> BeamSearch(StepScorer& scorer, const SearchInput& input,
                                                const DecodingConfig& options);

}  // namespace wavemt
