#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "config/config.h"
#include "training/average_of_best.h"
#include "training/best_scores.h"
#include "training/model_in_training.h"
#include "training/training_inputs.h"
#include "training/training_state.h"
#include "training/validator.h"

namespace wavemt {

/// Makes checkpoints/average when a training has ended: the mean of the weights of its best
/// checkpoints (training.average_best), validated as they were. It becomes the run's best model if
/// it is better than each of them.
class AverageMaker {
 public:
  /// What the arguments refer to must outlive the maker. REQUIRES: inputs.run
  AverageMaker(const Config& config, const TrainingInputs& inputs, ModelInTraining& trained,
               Validator& validator)
      : config_(config), inputs_(inputs), trained_(trained), validator_(validator) {}

  enum class Result {
    kNone,     // There are not two checkpoints to be averaged.
    kMade,     // A checkpoint is still the best model.
    kBest,     // The average is the best model.
    kStopped,  // `stop_requested` returned true on a rank before the average was validated.
  };

  /// All ranks call it, with the `state` of the training at its end; only the first one reads and
  /// writes files. An average that was made from the same checkpoints is not made again.
  Result Make(const TrainingState& state, const std::function<bool()>& stop_requested);

 private:
  // Whether the run's average is whole and comes from these checkpoints. Throws a usage error if
  // something has its name that must not be replaced.
  bool IsMade(const std::vector<BestScore>& of) const;
  // Leaves in `of` the checkpoints that can be read. Their mean is empty if they are fewer than
  // two.
  NamedTensors MeanOf(std::vector<BestScore>* of) const;
  // The scores of `mean`, which only the first rank has.
  std::optional<std::vector<SetScores>> Measure(const NamedTensors& mean,
                                                const std::function<bool()>& stop_requested);
  void Write(const AverageOfBest& average, NamedTensors mean, const TrainingState& state) const;
  // Lets checkpoints/best name the average if it is better than all checkpoints, and says so.
  bool Choose() const;

  const Config& config_;
  const TrainingInputs& inputs_;
  ModelInTraining& trained_;
  Validator& validator_;
};

}  // namespace wavemt
