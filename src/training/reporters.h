#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "checkpoint/run_directory.h"
#include "config/config.h"
#include "training/metrics_log.h"
#include "training/picture.h"
#include "training/training_listener.h"

namespace wavemt {

/// What reporters need to know of a training.
struct ReportedTraining {
  int64_t last_step = 0;  // The expected one.
  const Config& config;
  const Json& start;  // The line of starts.jsonl.
  const std::vector<Picture>& pictures;
};

/// The listeners of every training: a progress bar or lines on standard error, metrics.jsonl,
/// samples.jsonl, starts.jsonl and TensorBoard's event files.
std::vector<std::unique_ptr<TrainingListener>> OpenReporters(const RunDirectory& run,
                                                             const MetricsLog::ResumePoint& from,
                                                             const ReportedTraining& training);

}  // namespace wavemt
