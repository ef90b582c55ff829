#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "data/batcher.h"
#include "support/json.h"
#include "training/best_scores.h"
#include "training/memory_budget.h"
#include "training/metrics_log.h"

namespace wavemt {

/// The number of the epoch, from 1, that the batch before `position` belongs to, for people.
int64_t EpochNumber(const DataPosition& position);

/// The contents of state.json: everything about a training except weights and moments. There is no
/// state of random generators: the numbers of each step are derived from the run's seed and the
/// step (random.h).
struct TrainingState {
  int64_t step = 0;
  DataPosition position;
  // Versions before 0.2.0 divided the corpus into different batches, which `position` then counts.
  bool position_is_of_earlier_version = false;
  // TokenizedCorpus::checksum() of the corpus that `position` refers to. Missing in old
  // checkpoints.
  std::optional<int64_t> corpus_checksum;
  int64_t num_ranks = 1;      // Processes that trained together.
  int64_t target_tokens = 0;  // So far.
  double seconds = 0;         // Spent in training, over all sessions.

  std::optional<double> best_score;  // Of training.best_metric.
  std::optional<double> best_loss;   // Of the same validation.
  int64_t best_step = 0;
  // What follows the best one, if training.average_best keeps several. Missing in old checkpoints.
  std::vector<BestScore> next_best{};
  int64_t validations_without_best = 0;
  bool validation_pending = false;  // The validation of this step was interrupted.
  // TokenizedCorpus::checksum() of the text on which the best score was measured.
  std::optional<int64_t> valid_checksum;
  // The length penalty with which it was; see LengthPenaltyOfScores(). Missing in old checkpoints.
  std::optional<double> valid_length_penalty;

  // Steps whose loss or gradient was not finite. They consume their batches and count in `step`, so
  // the schedule advances, but they change no weight, moment or average.
  int64_t skipped_steps = 0;
  int64_t skipped_in_a_row = 0;  // Up to `step`.

  MemoryBudget memory;

  // Since the last line of metrics.jsonl.
  double interval_loss = 0;
  int64_t interval_tokens = 0;

  std::optional<MetricsLog::Mark> metrics;  // What the log must contain when the run is resumed.
};

Json ToJson(const TrainingState& state);

/// Throws a usage error that begins with `origin` if `json` does not have the form of ToJson().
TrainingState TrainingStateFromJson(const Json& json, std::string_view origin);

}  // namespace wavemt
