#pragma once

#include <string>

#include "workflow/figures.h"

namespace wavemt {

/// Attention as a figure: a row for each token of the translation, a column for each token of the
/// source; the more of its attention a token gives, the redder. REQUIRES: at least one of each.
std::string AttentionFigure(const AttentionGrid& attention);

}  // namespace wavemt
