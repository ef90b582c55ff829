#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>

#include "commands/shared_options.h"
#include "workflow/training_job.h"

namespace wavemt {

/// What train and resume have in common: what the training may take of the machine, as typed.
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

/// Says how a training ended and returns the process's exit code.
int ReportOutcome(const TrainingJob& job, const TrainingOutcome& outcome);

}  // namespace wavemt
