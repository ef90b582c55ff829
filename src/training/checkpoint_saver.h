#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "config/config.h"

namespace wavemt {

/// Decides when to write checkpoints and which ones a run keeps.
class CheckpointSaver {
 public:
  explicit CheckpointSaver(const TrainingConfig& config) : config_(config) {}

  /// Records that the checkpoint of `step` is complete on the disk, whoever wrote it.
  void NoteSaved(int64_t step) {
    saved_step_ = step;
    is_due_ = false;
  }
  bool IsSaved(int64_t step) const { return saved_step_ == step; }

  /// Whether training.save_every has called for a checkpoint since the last one. To be called after
  /// every step.
  bool IsDueAfter(int64_t step);

  struct Request {
    int64_t step = 0;
    bool is_best = false;
    std::vector<int64_t> best_steps{};  // Whose checkpoints stay.
    bool keep_all = false;              // Do not remove the checkpoints beyond training.keep_last.
  };
  /// Writes the checkpoint of a step to `run`, unless it exists, and updates the pointers of `run`.
  /// If it cannot be written, throws a failure that says how to continue.
  void Save(const RunDirectory& run, const Request& request,
            const std::function<Checkpoint()>& make_checkpoint);

 private:
  TrainingConfig config_;
  int64_t saved_step_ = -1;
  bool is_due_ = false;
};

}  // namespace wavemt
