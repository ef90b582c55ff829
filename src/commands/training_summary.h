#pragma once

#include "workflow/training_job.h"

namespace wavemt {

/// Logs a table of how a training that is done went: the best model and its scores, what it took,
/// and what to type next. The lines are no longer than a terminal is wide, but for what is to be
/// copied, which is not cut.
void LogTrainingSummary(const TrainingJob& job, const TrainingOutcome& outcome);

}  // namespace wavemt
