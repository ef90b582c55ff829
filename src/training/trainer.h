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

/// Throws a usage error that begins with `origin` unless `train` has this checksum: a position in
/// one corpus means nothing in another.
void RequireSameCorpus(int64_t checksum, const TokenizedCorpus& train, const std::string& origin);

/// How the config divides the training corpus into batches.
Batcher::Options BatcherOptions(const Config& config, const TokenizerPair& tokenizers);

/// The training loop: batches in, checkpoints out. Everything random is drawn from seeds derived
/// from the config's seed and the step, so a trainer that resumed from a checkpoint does exactly
/// what an uninterrupted one does. The ranks of a training run the same loop: they do different
/// batches, decide everything together, and only the first writes.
class Trainer {
 public:
  /// REQUIRES: inputs.run
  Trainer(const Config& config, TrainingInputs inputs);

  /// Restores everything from a checkpoint of this run. To be called at most once, before Run().
  void Restore(const Checkpoint& checkpoint, const std::string& origin);

  /// Trains until there is a reason to stop. The final state is then in a checkpoint. If the
  /// training is done, makes the average that training.average_best asks for; the model may have
  /// its weights then.
  StopReason Run();

  /// The state that a checkpoint would have now, without what listeners add to it. Waits for the
  /// device.
  TrainingState MakeState() const;

  /// The scores on the first set in the last validation of this process; nothing if there was none.
  const std::optional<ValidationScores>& last_scores() const { return last_scores_; }

 private:
  // The same on all ranks, although signals and clocks are each process's own.
  std::optional<StopReason> ReasonToStop();
  void TrainStep();
  UpdateBatches TakeBatches();
  /// Reports skipped steps and fails if there are too many in a row. Waits for the device.
  StepTally::Sums CheckSkippedSteps();
  /// Reports the steps since the last report, as training.log_every asks for.
  void ReportInterval();
  /// Reports the weights, as training.tensorboard_histograms asks for.
  void ReportWeights();
  /// Validates and saves if these are due.
  void FinishStep();
  /// Returns the place of the model among the best so far (see Validator::Add()). The validation
  /// stays pending if it was interrupted.
  std::optional<size_t> Validate();
  /// Makes the average of the best checkpoints if the training is done. Returns why it ended, which
  /// may be another reason now.
  StopReason End(StopReason reason);
  void Save(bool is_best);
  /// Saves the training so far when a failure is about to end it. The user must see that failure,
  /// so an error while saving is only logged.
  void SaveBeforeFailure();
  void Notify(const std::function<void(TrainingListener&)>& event);
  TrainingStatus Status() const;
  // The step at which training will end if nobody stops it earlier.
  int64_t LastStep() const;

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
  int64_t target_tokens_ = 0;  // So far.
  MemoryBudget memory_;
  std::optional<ValidationScores> last_scores_;
  std::optional<MetricsLog::Mark> metrics_mark_;  // From the restored checkpoint.
};

}  // namespace wavemt
