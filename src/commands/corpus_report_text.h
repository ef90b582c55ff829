#pragma once

#include <string>

#include "commands/corpus_input.h"
#include "data/cleaning/corpus_report.h"

namespace wavemt {

/// A report as text for people, in lines of at most 80 columns but for the names of files.
std::string CorpusReportText(const CorpusReport& report, const CorpusInput& input,
                             const PairFilter& filter);

}  // namespace wavemt
