#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "config/config.h"
#include "training/best_scores.h"
#include "training/training_inputs.h"
#include "training/training_state.h"
#include "training/validation.h"

namespace wavemt {

/// Validates a model in training and keeps track of the best validations.
class Validator {
 public:
  /// What `inputs` refers to must outlive the validator.
  Validator(const Config& config, const TrainingInputs& inputs);

  void Restore(const TrainingState& state);
  /// Saves what Restore() reads.
  void SaveTo(TrainingState* state) const;

  /// Discards the best scores, with a warning, if scores from now on do not compare with them: the
  /// first set holds another text than the one on which they were measured, or the length penalty
  /// that they depend on is another.
  void DiscardBestThatDoesNotCompare();

  /// Whether training.validate_every asks for a validation of this step. The last step is always
  /// validated, unless validation is off.
  bool IsDue(int64_t step, bool is_last_step) const;

  /// A requested validation stays pending until one is completed.
  void Request() { is_pending_ = true; }
  bool is_pending() const { return is_pending_; }

  /// Measures the model, with the weights that are in it, on every set, in their order. Returns
  /// nothing, and leaves the validation pending, if `stop_requested` returns true on any rank.
  std::optional<std::vector<SetScores>> Measure(Transformer& model,
                                                const std::function<bool()>& stop_requested);

  /// Records the scores of the model at `step` on the first set. Returns their place among the best
  /// so far, counted from 0; nothing if they are not among those that training.average_best keeps,
  /// or, if it is off, not the best.
  std::optional<size_t> Add(const ValidationScores& scores, int64_t step);

  const BestScores& best() const { return best_; }
  int64_t validations_without_best() const { return validations_without_best_; }

 private:
  void DiscardBest();
  std::optional<ValidationScores> MeasureOn(const ValidationSet& set, Transformer& model,
                                            const std::function<bool()>& stop_requested);

  Config config_;
  torch::Device device_;
  std::vector<ValidationSet> sets_;  // Empty: no validation.
  bool valid_is_renamed_;
  TokenizerPair tokenizers_;
  std::shared_ptr<World> world_;

  BestScores best_;
  int64_t validations_without_best_ = 0;
  bool is_pending_ = false;
  std::optional<int64_t> valid_checksum_;  // Of the text on which the best score was measured.
  std::optional<double> length_penalty_;   // With which it was; see LengthPenaltyOfScores().
};

}  // namespace wavemt
