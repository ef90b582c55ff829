#include "training/average_of_best.h"

#include <algorithm>
#include <cmath>

#include "config/config_fields.h"
#include "support/error.h"
#include "support/progress.h"
#include "training/validation.h"

namespace wavemt {
namespace {

constexpr const char* kAverageKey = "average";
constexpr const char* kCheckpointsKey = "checkpoints";
constexpr const char* kScoresKey = "scores";

std::optional<double> ScoreNamed(const AverageOfBest& average, std::string_view name) {
  const auto found =
      std::ranges::find(average.scores, fmt::format("{}/{}", kValidKey, name), &NamedScore::name);
  return found == average.scores.end() ? std::nullopt : std::optional(found->value);
}

}  // namespace

std::optional<BestScore> ScoreOfAverage(const AverageOfBest& average, ValidationMetric metric) {
  const std::optional<double> score = ScoreNamed(average, NameOf(metric));
  if (!score || !std::isfinite(*score)) return std::nullopt;
  return BestScore{.score = *score, .loss = ScoreNamed(average, "loss")};
}

BestScore BestCheckpoint(const AverageOfBest& average, ValidationMetric metric) {
  const auto is_better = [&](const BestScore& a, const BestScore& b) {
    return IsBetter(a, b, metric);
  };
  return *std::ranges::min_element(average.checkpoints, is_better);
}

void AddToState(const AverageOfBest& average, Json* state) {
  Json scores = Json::object();
  for (const NamedScore& score : average.scores) scores[score.name] = score.value;
  (*state)[kAverageKey] = {{kCheckpointsKey, ToJson(average.checkpoints)}, {kScoresKey, scores}};
}

std::optional<AverageOfBest> AverageOfState(const Json& state, std::string_view origin) {
  if (!state.is_object() || !state.contains(kAverageKey)) return std::nullopt;
  const Json& json = state[kAverageKey];
  const bool is_known = json.is_object() && json.contains(kCheckpointsKey) &&
                        json.contains(kScoresKey) && json[kScoresKey].is_object();
  if (!is_known) {
    throw UsageError("{}: \"{}\" lacks its checkpoints or its scores", origin, kAverageKey);
  }
  AverageOfBest average{.checkpoints =
                            BestScoresFromJson(json[kCheckpointsKey], kCheckpointsKey, origin)};
  if (average.checkpoints.empty()) {
    throw UsageError("{}: \"{}\" names no checkpoint that it comes from", origin, kAverageKey);
  }
  for (const auto& [name, value] : json[kScoresKey].items()) {
    if (value.is_null()) continue;  // It was not finite.
    if (!value.is_number()) {
      throw UsageError("{}: \"{}\" has a score that is not a number: {}", origin, kAverageKey,
                       QuoteJson(value));
    }
    average.scores.push_back({.name = name, .value = value.get<double>()});
  }
  return average;
}

std::string StepsText(const AverageOfBest& average) {
  const std::vector<BestScore>& checkpoints = average.checkpoints;
  std::string text;
  for (size_t i = 0; i < checkpoints.size(); ++i) {
    if (i > 0) text += i + 1 == checkpoints.size() ? " and " : ", ";
    text += WithThousands(checkpoints[i].step);
  }
  return text;
}

std::string ScoresText(const AverageOfBest& average, ValidationMetric metric) {
  const std::optional<BestScore> score = ScoreOfAverage(average, metric);
  return fmt::format("valid {} {}, the best of them {:.4g}", MetricText(NameOf(metric)),
                     score ? fmt::format("{:.4g}", score->score) : "unknown",
                     BestCheckpoint(average, metric).score);
}

}  // namespace wavemt
