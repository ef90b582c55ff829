#pragma once

#include <cstdint>

#include "training/training_state.h"
#include "training/validation.h"

namespace wavemt {

/// What is reported every training.log_every steps.
struct IntervalReport {
  int64_t step = 0;
  int64_t epoch = 0;  // EpochNumber()
  double loss = 0;    // Mean label-smoothed loss of a target token, nats.
  double learning_rate = 0;
  double gradient_norm = 0;   // Of the last step, before clipping.
  int64_t skipped_steps = 0;  // Of the whole run.
  double tokens_per_second = 0;
  double seconds_per_step = 0;
  int64_t last_step = 0;  // Where training will end, as far as is known by now.
  double seconds_left = 0;
};

/// What is reported of a validation.
struct ValidationReport {
  int64_t step = 0;
  int64_t epoch = 0;  // EpochNumber()
  ValidationScores scores{};
  bool is_best = false;
};

/// Someone who follows a training: the terminal, a log. Nothing that a listener does changes what
/// is trained.
class TrainingListener {
 public:
  virtual ~TrainingListener() = default;

  virtual void OnStep(int64_t /*step*/) {}
  virtual void OnInterval(const IntervalReport& /*report*/) {}
  virtual void OnValidation(const ValidationReport& /*report*/) {}

  /// Comes before each checkpoint, which promises that what was reported before it is on the disk.
  /// A listener may note in `state` what it wants to be told when the run is resumed.
  virtual void BeforeCheckpoint(TrainingState* /*state*/) {}
};

}  // namespace wavemt
