#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "config/config.h"
#include "training/model_in_training.h"
#include "training/training_inputs.h"
#include "training/training_state.h"
#include "training/validation.h"

namespace wavemt {

/// Validates a model in training, and knows which validation was the best so far.
class Validator {
 public:
  /// What `inputs` refers to outlives the validator.
  Validator(const Config& config, const TrainingInputs& inputs);

  void Restore(const TrainingState& state);
  /// Writes what Restore() reads.
  void SaveTo(TrainingState* state) const;

  /// Forgets the best score, with a warning, where data.valid holds another text than it was
  /// measured on.
  void CompareText();

  /// Whether training.validate_every wants a validation of this step; `is_last_step` always is one.
  bool IsDue(int64_t step, bool is_last_step) const;

  /// A validation that was asked for stays pending until one is done.
  void Request() { is_pending_ = true; }
  bool is_pending() const { return is_pending_; }

  /// Measures the model, by its moving average where it has one. Nothing, and the validation stays
  /// pending, where `stop_requested` answers true.
  std::optional<ValidationScores> Measure(ModelInTraining& trained,
                                          const std::function<bool()>& stop_requested);

  /// Takes note of the scores of the model at `step`. True if they are the best so far.
  bool Add(const ValidationScores& scores, int64_t step);

  int64_t validations_without_best() const { return validations_without_best_; }

 private:
  Config config_;
  torch::Device device_;
  const TokenizedCorpus* valid_;  // Null: no validation.
  bool valid_is_renamed_;
  TokenizerPair tokenizers_;
  TrainingInputs::ScoreTranslations score_translations_;

  std::optional<BestScore> best_;
  int64_t best_step_ = 0;
  int64_t validations_without_best_ = 0;
  bool is_pending_ = false;
  std::optional<int64_t> valid_checksum_;  // Of the text that the best score was measured on.
};

}  // namespace wavemt
