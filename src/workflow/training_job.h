#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/config_overrides.h"
#include "training/trainer.h"
#include "workflow/training_text.h"

namespace wavemt {

/// What a training may take of the machine.
struct TrainingResources {
  torch::Device device = torch::kCPU;
  int64_t memory_limit = 0;  // Bytes, on the CPU; 0: none.
  std::optional<TimeLimit::Clock::time_point> deadline{};
};

/// A training that can begin: everything is read, checked and built. Trainer and profiler refer to
/// it, so it stays where it is.
struct TrainingJob {
  Config config;
  TrainingText text;
  TrainingInputs inputs;  // Refers to `text`.

  // Of a run that was there before.
  std::optional<TrainingConfig> earlier_config{};  // As it was trained until now.
  std::optional<int64_t> resume_step{};            // The checkpoint to go on from; nothing: anew.
};

/// What `wavemt train` may do on the disk.
struct NewRunOptions {
  bool writes = true;  // False: a dry run, or a profile.
  bool overwrite = false;
};

/// Prepares a new run of `config`, which gets a run_dir where it has none. Says how large text,
/// batches and model are. Writes nothing but, where that is allowed, the cache of a large corpus.
TrainingJob PrepareTraining(const std::filesystem::path& config, const ConfigOverrides& overrides,
                            const TrainingResources& resources, const NewRunOptions& options);

/// Prepares a run to go on from its newest whole checkpoint, with `overrides` put over its config.
/// A usage error for a key that cannot change in the middle of a run.
TrainingJob PrepareResume(const std::filesystem::path& run, const ConfigOverrides& overrides,
                          const TrainingResources& resources);

/// How a training ended.
struct TrainingOutcome {
  StopReason reason = StopReason::kMaxSteps;
  TrainingState state;
};

/// Makes the run's folder for what PrepareTraining() gave: only now does anything appear on the
/// disk.
void CreateRun(TrainingJob* job, const NewRunOptions& options);

/// Trains until something stops it.
TrainingOutcome RunTraining(const TrainingJob& job);

/// Trains a few steps without writing anything and returns a table of where their time goes.
std::string ProfileTraining(const TrainingJob& job);

}  // namespace wavemt
