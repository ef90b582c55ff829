#pragma once

#include <string>

#include "report/run_report.h"

namespace wavemt {

/// Sentences with what the runs made of them at steps that are spread over the training; empty if
/// no run has any.
std::string SampleSection(const RunReport& report);

}  // namespace wavemt
