#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "config/config.h"
#include "data/batcher.h"
#include "training/checkpoint_saver.h"
#include "training/memory_budget.h"
#include "training/skipped_steps.h"
#include "training/step_tally.h"
#include "training/stop_rules.h"
#include "training/training_clock.h"
#include "training/training_inputs.h"
#include "training/training_listener.h"
#include "training/training_state.h"
#include "training/update.h"
#include "training/validator.h"

namespace wavemt {

/// A usage error that begins with `origin` unless `train` is the corpus of this checksum: a
/// position in one text means nothing in another.
void RequireSameCorpus(int64_t checksum, const TokenizedCorpus& train, const std::string& origin);

/// How the config cuts the training corpus into batches.
Batcher::Options BatcherOptions(const Config& config, const TokenizerPair& tokenizers);

/// The training loop: batches in, checkpoints out. Everything random is drawn from seeds derived
/// from the config's seed and the step, so a trainer that resumed a checkpoint does exactly what
/// one that never stopped does.
class Trainer {
 public:
  /// REQUIRES: inputs.run
  Trainer(const Config& config, TrainingInputs inputs);

  /// Puts everything back to where a checkpoint of this run stands. Before Run(), once.
  void Restore(const Checkpoint& checkpoint, const std::string& origin);

  /// Trains until there is a reason to stop. What was trained is in a checkpoint then.
  StopReason Run();

  /// What a checkpoint of this moment would hold. Waits for the device.
  TrainingState MakeState() const;

 private:
  void TrainStep();
  /// Reports skipped steps, and fails after too many of them. Waits for the device.
  StepTally::Sums CheckSkippedSteps();
  /// What training.log_every asks for.
  void ReportInterval();
  /// Validates and saves, as far as that is due.
  void FinishStep();
  /// True if the model is the best so far. A stop leaves the validation pending.
  bool Validate();
  void Save(bool is_best);
  /// Saves what a failure, which ends the training, shall not take along. That failure is what the
  /// user has to hear of: one of saving is only logged.
  void SaveBeforeFailure();
  void Tell(const std::function<void(TrainingListener&)>& event);
  TrainingStatus Status() const;

  Config config_;
  TrainingInputs inputs_;
  Batcher batcher_;
  Updater updater_;
  Validator validator_;
  StopRules stop_rules_;
  CheckpointSaver saver_;
  SkippedSteps skipped_steps_;
  TrainingClock clock_;
  std::vector<std::unique_ptr<TrainingListener>> listeners_;  // Empty before Run().

  int64_t step_ = 0;
  DataPosition position_;      // Where the batches of the next step begin.
  int64_t target_tokens_ = 0;  // Trained on so far.
  MemoryBudget memory_;
  std::optional<MetricsLog::Mark> metrics_mark_;  // Of the checkpoint that was restored.
};

}  // namespace wavemt
