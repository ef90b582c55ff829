#pragma once

#include <vector>

#include "config/config.h"
#include "decoding/hypothesis.h"
#include "decoding/search_input.h"
#include "decoding/step_scorer.h"

namespace wavemt {

/// Draws `n_best` translations of each sentence, token by token, from the model's distribution
/// changed by temperature, top_k and top_p. They are in the order of drawing, and equal ones may be
/// among them. A draw depends on the seed of its sentence and on its number alone: neither on the
/// other sentences of the batch nor on how many draws there are. Log-probabilities and scores are
/// those of the unchanged distribution. Throws a usage error if the weights give none.
std::vector<std::vector<Hypothesis>> Sample(StepScorer& scorer, const SearchInput& input,
                                            const DecodingConfig& options);

}  // namespace wavemt
