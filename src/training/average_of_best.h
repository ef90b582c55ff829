#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "support/json.h"
#include "training/best_scores.h"
#include "training/named_scores.h"

namespace wavemt {

/// What state.json of checkpoints/average says of it, under "average", besides the training at
/// whose end it was made.
struct AverageOfBest {
  std::vector<BestScore> checkpoints{};  // Whose mean it is, oldest first.
  std::vector<NamedScore> scores{};      // Its own. Their signatures are not saved.
};

/// The score of the average that compares with those of checkpoints, at no step; nothing if it is
/// not known.
std::optional<BestScore> ScoreOfAverage(const AverageOfBest& average, ValidationMetric metric);

/// The best of the checkpoints that the average comes from.
BestScore BestCheckpoint(const AverageOfBest& average, ValidationMetric metric);

/// Adds what is said of an average to the state of a training.
void AddToState(const AverageOfBest& average, Json* state);

/// What AddToState() added; nothing if `state` is that of another checkpoint. A usage error that
/// begins with `origin` if it has another form.
std::optional<AverageOfBest> AverageOfState(const Json& state, std::string_view origin);

/// "2,000, 2,500 and 3,000": the steps of the checkpoints.
std::string StepsText(const AverageOfBest& average);

/// "valid BLEU 34.5, the best of them 34.1"
std::string ScoresText(const AverageOfBest& average, ValidationMetric metric);

}  // namespace wavemt
