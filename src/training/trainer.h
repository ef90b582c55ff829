#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "config/config.h"
#include "data/batcher.h"
#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"
#include "model/transformer.h"
#include "training/time_limit.h"
#include "training/training_reporter.h"
#include "training/training_state.h"
#include "training/updater.h"
#include "training/validation.h"

namespace wavemt {

/// Why training ended.
enum class StopReason { kMaxSteps, kMaxEpochs, kPatience, kSignal, kTimeLimit };

struct TranslationScore {
  double bleu = 0;
  std::string signature;  // Of BLEU.
  double chrf = 0;
  std::string chrf_signature{};
};

/// What a trainer works on. The references outlive it.
struct TrainingParts {
  Transformer model{nullptr};  // On `device`.
  torch::Device device = torch::kCPU;
  const TokenizedCorpus& train;
  const TokenizedCorpus* valid = nullptr;  // Null: no validation.
  /// Whether `valid` comes from other files than when the run was last trained: where a checkpoint
  /// does not tell what its best score was measured on, they may hold another text.
  bool valid_is_renamed = false;
  TokenizerPair tokenizers;
  std::optional<RunDirectory> run{};  // Where to write; only Profile() does without.
  /// Translates the validation text by the model as it is and scores it, or gives nothing as soon
  /// as `stop_requested` says so. May be empty.
  using ScoreTranslations =
      std::function<std::optional<TranslationScore>(const std::function<bool()>& stop_requested)>;
  ScoreTranslations score_translations;
  MemoryLimit memory_limit{};
  /// When training must have stopped, its last checkpoint written; nothing: never.
  std::optional<TimeLimit::Clock::time_point> deadline{};
};

/// A usage error that begins with `origin` unless `train` is the corpus of this checksum: a place
/// in one text is none in another.
void RequireSameCorpus(int64_t checksum, const TokenizedCorpus& train, const std::string& origin);

/// The training loop: batches in, checkpoints out. Everything random is drawn from seeds derived
/// from the config's seed and the step, so a trainer that resumed a checkpoint does exactly what
/// one that never stopped does.
class Trainer {
 public:
  Trainer(const Config& config, TrainingParts parts);

  /// Puts everything back to where a checkpoint of this run stands. Before Run(), once.
  void Restore(const Checkpoint& checkpoint, const std::string& origin);

  /// Trains until there is a reason to stop, which a checkpoint then holds.
  StopReason Run();

  /// Trains without writing anything: a few steps to warm up, then `steps` whose time the returned
  /// table shows.
  std::string Profile(int64_t warmup_steps, int64_t steps);

  const TrainingState& state() const { return state_; }

 private:
  std::optional<StopReason> ReasonToStop();
  bool StopRequested();
  /// What to ask while working on something else than steps. The time between two questions is
  /// noted, as a stop waits so long.
  std::function<bool()> StopQuestion();
  /// Forgets the best score where data.valid holds another text than it was measured on.
  void CompareValidationText();
  /// Where training will end if nobody stops it before. An epoch is taken to have as many batches
  /// as this one.
  int64_t LastStep() const;
  void TrainStep();
  std::vector<Batch> NextBatches();
  /// Looks at what the steps came to, says so where one was skipped, and fails after too many.
  void ReadTally();
  /// What to say where so many steps in a row were skipped that training ends.
  std::string SkippedTooOften(const std::string& cause) const;
  void Log();
  bool ValidationIsDue() const;
  /// Validates and saves, as far as that is due.
  void FinishStep();
  /// True if the scores are the best so far. A stop leaves the validation pending.
  bool Validate();
  std::optional<ValidationScores> MeasureValidation();
  void Save(bool is_best);
  /// What a failure that ends the training shall not take along. That failure is what the user has
  /// to hear of: one of saving is logged only.
  void SaveBeforeFailure();

  Config config_;
  TrainingParts parts_;
  Batcher batcher_;
  Updater updater_;
  std::unique_ptr<TrainingReporter> reporter_;
  TimeLimit time_limit_;
  TrainingState state_;
  int64_t saved_step_ = -1;
  bool save_is_due_ = false;
};

}  // namespace wavemt
