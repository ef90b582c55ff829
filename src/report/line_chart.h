#pragma once

#include <string>

#include "workflow/figures.h"

namespace wavemt {

/// Curves over the distance as an <svg> in the colour of the text around it. Each has its name at
/// its right end, and colours and dashes that set it apart from its neighbours. Where a value is
/// not finite, its curve has a gap.
std::string LineChart(const DistanceCurves& curves);

}  // namespace wavemt
