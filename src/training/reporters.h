#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "checkpoint/run_directory.h"
#include "training/metrics_log.h"
#include "training/training_listener.h"

namespace wavemt {

/// The listeners of every training: a progress bar or lines on standard error, metrics.jsonl, and
/// TensorBoard's event files. `last_step` is the expected last step.
std::vector<std::unique_ptr<TrainingListener>> OpenReporters(const RunDirectory& run,
                                                             const MetricsLog::ResumePoint& from,
                                                             int64_t last_step);

}  // namespace wavemt
