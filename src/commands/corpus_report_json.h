#pragma once

#include "commands/corpus_input.h"
#include "data/cleaning/corpus_report.h"
#include "support/json.h"

namespace wavemt {

/// All of a report, for `wavemt corpus check --json`.
Json ToJson(const CorpusReport& report, const CorpusInput& input, const PairFilter& filter);

}  // namespace wavemt
