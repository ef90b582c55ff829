#pragma once

#include <string>

#include "workflow/position_study.h"

namespace wavemt {

/// A study as an HTML page in one file: without scripts, and nothing is loaded from elsewhere.
std::string PositionsPage(const PositionStudy& study);

/// The parts of that page, for others: what the encoding is, and its figures.
std::string PositionsFacts(const PositionStudy& study);
std::string PositionsFigures(const PositionStudy& study);

}  // namespace wavemt
