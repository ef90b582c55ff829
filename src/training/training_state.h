#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "data/batcher.h"
#include "support/json.h"
#include "training/memory_budget.h"
#include "training/metrics_log.h"

namespace wavemt {

/// The epoch as people are told it: the pass over the corpus, from 1, that the batch before
/// `position` belongs to.
int64_t EpochNumber(const DataPosition& position);

/// Everything about a training that is neither weights nor moments: what state.json holds.
/// Random generators have no state here: each step's numbers come from the run's seed and the step
/// (random.h).
struct TrainingState {
  int64_t step = 0;
  DataPosition position;
  // Versions before 0.2.0 cut other batches, and `position` counts those.
  bool position_is_of_earlier_version = false;
  // TokenizedCorpus::checksum() of what `position` is a position in. Checkpoints have not always
  // held it.
  std::optional<int64_t> corpus_checksum;
  int64_t target_tokens = 0;  // Trained on so far.
  double seconds = 0;         // Spent in training, all sessions together.

  std::optional<double> best_score;  // Of training.best_metric.
  std::optional<double> best_loss;   // Of the same validation.
  int64_t best_step = 0;
  int64_t validations_without_best = 0;
  bool validation_pending = false;  // A stop cut short what was due at this step.
  // TokenizedCorpus::checksum() of what the best score was measured on.
  std::optional<int64_t> valid_checksum;

  // Steps whose loss or gradient was not finite. They use up their batches and count in `step`, so
  // that the schedule goes on, and change no weight, moment or average.
  int64_t skipped_steps = 0;
  int64_t skipped_in_a_row = 0;  // Up to `step`.

  MemoryBudget memory;

  // Since the last line of metrics.jsonl.
  double interval_loss = 0;
  int64_t interval_tokens = 0;

  std::optional<MetricsLog::Mark> metrics;  // The log as it must be found.
};

Json ToJson(const TrainingState& state);

/// A usage error that begins with `origin` where `json` is not what ToJson() makes.
TrainingState TrainingStateFromJson(const Json& json, std::string_view origin);

}  // namespace wavemt
