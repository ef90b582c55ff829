#pragma once

#include <functional>
#include <vector>

#include "config/config.h"
#include "training/best_scores.h"
#include "training/model_in_training.h"
#include "training/training_inputs.h"
#include "training/training_state.h"
#include "training/validator.h"

namespace wavemt {

/// Makes checkpoints/average when a training has ended: the mean of the weights of its best
/// checkpoints (training.average_best), validated as they were. It becomes the run's best model if
/// it is better than all of them.
class AverageMaker {
 public:
  /// What the arguments refer to must outlive the maker. REQUIRES: inputs.run
  AverageMaker(const Config& config, const TrainingInputs& inputs, ModelInTraining& trained,
               Validator& validator)
      : config_(config), inputs_(inputs), trained_(trained), validator_(validator) {}

  /// All ranks call it, with the `state` of the training at its end; only the first one reads and
  /// writes files. An average that was made at this step from the same checkpoints is not made
  /// again. One that is made takes the place of the weights in the model, whose training cannot go
  /// on then. Returns false if `stop_requested` returned true on a rank before it was validated.
  bool Make(const TrainingState& state, const std::function<bool()>& stop_requested);

 private:
  bool MakeIfMissing(const TrainingState& state, const std::function<bool()>& stop_requested);
  // Whether the run's average is whole, was made at this step, and comes from these checkpoints.
  bool IsMade(int64_t step, const std::vector<BestScore>& checkpoints) const;
  // Gives the model the mean of the checkpoints that can be read, and removes the others from the
  // list. Returns false if fewer than two are left.
  bool TakeMean(std::vector<BestScore>* checkpoints) const;
  void Write(const std::vector<BestScore>& checkpoints, const std::vector<SetScores>& sets,
             const TrainingState& state) const;
  // Lets checkpoints/best name the average, or the best of its checkpoints, and says which.
  void Choose() const;

  const Config& config_;
  const TrainingInputs& inputs_;
  ModelInTraining& trained_;
  Validator& validator_;
};

}  // namespace wavemt
