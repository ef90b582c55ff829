#pragma once

#include <vector>

#include "report/run_report.h"
#include "report/step_chart.h"

namespace wavemt {

/// The charts of what the runs logged, in the order in which a report shows them; without those for
/// which no run has a value. A run has the same colour in each, and the sets differ in their
/// dashes.
std::vector<StepChart> ChartsOf(const RunReport& report);

}  // namespace wavemt
