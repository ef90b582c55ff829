#pragma once

#include <vector>

#include "config/config.h"
#include "data/corpus_mixture.h"
#include "data/tokenizer.h"
#include "workflow/training_text.h"

namespace wavemt {

/// Logs how much of data.valid and data.test is in the training text as well, and warns if it is so
/// much that their scores say little. `held_out` has been loaded already; what else data.test holds
/// is read here.
void SayOverlap(const Config& config, const TokenizerPair& tokenizers,
                const std::vector<HeldOutText>& held_out,
                const std::vector<CorpusMixture::Part>& train);

}  // namespace wavemt
