#pragma once

#include <string>

#include "report/run_report.h"

namespace wavemt {

/// The runs side by side, a column each: scores, steps, time, speed, sizes.
std::string RunsTable(const RunReport& report);

/// The config's keys that differ between the runs, or of a single run those that are not the
/// defaults, and below them the whole configs, folded away.
std::string ConfigTables(const RunReport& report);

}  // namespace wavemt
