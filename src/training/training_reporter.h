#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "checkpoint/run_directory.h"
#include "support/progress.h"
#include "training/metrics_log.h"
#include "training/tensorboard_writer.h"
#include "training/validation.h"

namespace wavemt {

/// Tells people and programs how training goes: a bar or lines on standard error, metrics.jsonl,
/// and TensorBoard's event files.
class TrainingReporter {
 public:
  /// Goes on `behind` a checkpoint, or from the start; `last_step` is where training will end, as
  /// far as is known.
  TrainingReporter(const RunDirectory& run, const MetricsLog::Behind& behind, int64_t last_step);

  /// After every step: moves the bar and counts the tokens for the speed.
  void Step(int64_t step, int64_t target_tokens);

  /// What is logged every training.log_every steps.
  struct Interval {
    int64_t step = 0;
    int64_t epoch = 0;  // EpochNumber()
    double loss = 0;    // Mean label-smoothed loss of a target token, nats.
    double learning_rate = 0;
    double gradient_norm = 0;   // Of the last step, before clipping.
    int64_t skipped_steps = 0;  // Of the whole run.
    int64_t last_step = 0;      // Where training will end, as far as is known by now.
  };
  void Log(const Interval& interval);

  void Validation(int64_t step, int64_t epoch, const ValidationScores& scores, bool is_best);

  /// Puts the logs on the disk.
  void Sync();
  std::optional<MetricsLog::Mark> metrics_mark() const { return metrics_.mark(); }

  /// Time that passes between the two does not count in the speed (validation, saving).
  void PauseClock();
  void ResumeClock();

 private:
  using Clock = std::chrono::steady_clock;

  double SecondsLeft(int64_t step) const;

  int64_t first_step_;
  int64_t last_step_;
  MetricsLog metrics_;
  TensorboardWriter tensorboard_;
  bool terminal_;
  std::unique_ptr<ProgressBar> bar_;
  std::string detail_;

  Clock::time_point clock_start_;
  double interval_seconds_ = 0;  // Before clock_start_, in this interval.
  double total_seconds_ = 0;     // In the intervals before this one.
  int64_t interval_tokens_ = 0;
  int64_t last_logged_step_;
};

}  // namespace wavemt
