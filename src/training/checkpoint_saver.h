#pragma once

#include <cstdint>
#include <functional>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "config/config.h"

namespace wavemt {

/// Decides when a checkpoint is written, and which ones a run keeps.
class CheckpointSaver {
 public:
  explicit CheckpointSaver(const TrainingConfig& config) : config_(config) {}

  /// The checkpoint of `step` is complete on the disk.
  void NoteSaved(int64_t step) { saved_step_ = step; }
  bool IsSaved(int64_t step) const { return saved_step_ == step; }

  /// Whether training.save_every has asked for a checkpoint since the last one. Called after every
  /// step.
  bool IsDueAfter(int64_t step);

  /// What becomes of a checkpoint.
  struct Request {
    int64_t step = 0;
    bool is_best = false;
    bool keep_all = false;  // Old checkpoints stay, beyond training.keep_last.
  };
  /// Writes the checkpoint of a step to `run`, unless it is there, and lets `run` point to it. A
  /// failure that says how to go on where it cannot be written.
  void Save(const RunDirectory& run, const Request& request,
            const std::function<Checkpoint()>& make_checkpoint);

 private:
  TrainingConfig config_;
  int64_t saved_step_ = -1;
  bool is_due_ = false;
};

}  // namespace wavemt
