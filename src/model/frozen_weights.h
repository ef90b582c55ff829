#pragma once

#include <string>
#include <vector>

#include "model/transformer.h"

namespace wavemt {

/// Excludes weights from training: those whose name, or the name of a part that they are in,
/// matches one of the patterns of training.freeze. A usage error if a pattern matches nothing, or
/// if nothing is left to train.
void FreezeWeights(const std::vector<std::string>& patterns, Transformer* model);

}  // namespace wavemt
