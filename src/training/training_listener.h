#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/named_tensors.h"
#include "training/training_state.h"
#include "training/validation.h"

namespace wavemt {

/// The report of every training.log_every steps.
struct IntervalReport {
  int64_t step = 0;
  int64_t epoch = 0;  // EpochNumber()
  double loss = 0;    // Mean label-smoothed loss per target token, in nats.
  double learning_rate = 0;
  double gradient_norm = 0;   // Of the last step, before clipping.
  int64_t skipped_steps = 0;  // Of the whole run.
  double tokens_per_second = 0;
  double seconds_per_step = 0;
  int64_t last_step = 0;  // The expected last step.
  double seconds_left = 0;
};

/// The report of a validation.
struct ValidationReport {
  int64_t step = 0;
  int64_t epoch = 0;              // EpochNumber()
  std::vector<SetScores> sets{};  // At least one; the first selects the best checkpoint.
  bool is_best = false;
};

/// The weights that are trained, after an update. Each has the gradient of the update, clipped, as
/// its grad().
struct WeightsReport {
  int64_t step = 0;
  const NamedTensors& weights;
};

/// An observer of a training, such as the terminal or a log. Listeners must not affect the
/// training.
class TrainingListener {
 public:
  virtual ~TrainingListener() = default;

  virtual void OnStep(int64_t /*step*/) {}
  virtual void OnInterval(const IntervalReport& /*report*/) {}
  virtual void OnValidation(const ValidationReport& /*report*/) {}
  /// Every training.tensorboard_histograms steps.
  virtual void OnWeights(const WeightsReport& /*report*/) {}

  /// Called before each checkpoint. When it returns, everything reported so far must be on the
  /// disk. A listener may save in `state` what it needs when the run is resumed.
  virtual void BeforeCheckpoint(TrainingState* /*state*/) {}

  /// Called if the training has ended as its config says, and not before that, by a signal.
  virtual void OnDone(int64_t /*step*/) {}
};

}  // namespace wavemt
