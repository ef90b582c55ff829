#pragma once

#include <cstdint>

#include "checkpoint/run_directory.h"
#include "training/reporters.h"
#include "training/tensorboard_writer.h"
#include "training/training_listener.h"

namespace wavemt {

/// Writes what TensorBoard shows of a training: its settings and pictures at the start, scores,
/// sample translations and, if asked for, histograms.
class TensorboardReporter : public TrainingListener {
 public:
  /// `step`: where the training goes on; 0: it is new.
  TensorboardReporter(const RunDirectory& run, int64_t step, const ReportedTraining& training);

  void OnInterval(const IntervalReport& report) override;
  void OnValidation(const ValidationReport& report) override;
  void OnWeights(const WeightsReport& report) override;
  void BeforeCheckpoint(TrainingState* state) override;
  void OnDone(int64_t step) override;

 private:
  TensorboardWriter writer_;
};

}  // namespace wavemt
