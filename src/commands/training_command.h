#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>

#include "commands/shared_options.h"
#include "workflow/training_job.h"

namespace wavemt {

/// The options that train and resume share: what the training may use, as typed.
struct TrainingOptions {
  ComputeOptions compute;
  double max_minutes = 0;    // 0: no limit.
  int64_t memory_limit = 0;  // Bytes; 0: no limit.
  std::chrono::steady_clock::time_point start =
      std::chrono::steady_clock::now();  // Of the command.
};

/// --device, --threads, --max-minutes and --memory-limit.
void AddTrainingOptions(CLI::App* command, TrainingOptions* options);

TrainingResources ResourcesOf(const TrainingOptions& options);

/// Logs how a training ended and returns the process's exit code.
int ReportOutcome(const TrainingJob& job, const TrainingOutcome& outcome);

}  // namespace wavemt
