#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/config_overrides.h"
#include "training/trainer.h"
#include "workflow/compute_device.h"
#include "workflow/initial_weights.h"
#include "workflow/training_text.h"

namespace wavemt {

/// The resources that a training may use.
struct TrainingResources {
  ComputeOptions compute;
  int64_t memory_limit = 0;  // Bytes, on the CPU; 0: no limit.
  std::optional<TimeLimit::Clock::time_point> deadline{};
};

/// A training that is ready to start: everything is read, checked and built.
struct TrainingJob {
  Config config;
  TrainingText text;
  TrainingInputs inputs;  // Refers to the corpora of `text`.
  /// The weights that a run begins with; nothing: they are drawn.
  std::optional<WeightsOrigin> origin{};

  bool is_resumed() const { return earlier_config.has_value(); }
  // Only for a run that is resumed.
  std::optional<TrainingConfig> earlier_config{};  // How the run was trained until now.
  std::optional<int64_t> resume_step{};  // The checkpoint to continue from; nothing: start over.
};

/// What `wavemt train` may write.
struct NewRunOptions {
  bool writes = true;  // False: a dry run, or a profile.
  bool overwrite = false;
  bool resume = false;                // Continues the run if it exists already.
  std::filesystem::path init_from{};  // A model whose weights the run begins with.
  bool init_partial = false;          // Those that do not fit are left out.

  /// Whether a run that is there already gives way. One that could be resumed is not created anew.
  bool Replaces() const { return overwrite || (resume && !init_from.empty()); }
};

/// Prepares a new run of `config`, with a default run_dir if it has none. Logs the sizes of text,
/// batches and model. Writes nothing except, if allowed, the cache of a large corpus. With
/// options.resume, a run that is there already is prepared like PrepareResume(), with what `config`
/// says differently now.
TrainingJob PrepareTraining(const std::filesystem::path& config, const ConfigOverrides& overrides,
                            const TrainingResources& resources, const NewRunOptions& options);

/// Prepares to continue a run from its newest complete checkpoint, with `overrides` applied to its
/// config. A usage error if they change a key that cannot change in the middle of a run.
TrainingJob PrepareResume(const std::filesystem::path& run, const ConfigOverrides& overrides,
                          const TrainingResources& resources);

/// How a training ended.
struct TrainingOutcome {
  StopReason reason = StopReason::kMaxSteps;
  int signal = 0;  // That stopped it, on any rank.
  TrainingState state;
  /// Of the last validation on the first set of data.valid, on all ranks alike; nothing if there
  /// was none, or without translations.
  std::optional<double> brevity_penalty{};
};

// If torchrun, srun or mpirun has started several processes, all of them call the same functions:
// they train one model together (see world.h), and only the first writes.

/// Creates the run's folder for a new job from PrepareTraining(), which itself creates nothing
/// there.
void CreateRun(TrainingJob* job, const NewRunOptions& options);

/// Trains until there is a reason to stop.
TrainingOutcome RunTraining(const TrainingJob& job);

/// Trains a few steps without writing anything and returns a table of where their time goes; on
/// ranks above 0, nothing.
std::string ProfileTraining(const TrainingJob& job);

}  // namespace wavemt
