#pragma once

#include <utility>

#include "data/batch.h"

namespace wavemt {

/// The first and second half of the rows, each only as wide as its own longest sentences.
/// REQUIRES: batch.rows >= 2
std::pair<Batch, Batch> Halves(const Batch& batch);

}  // namespace wavemt
