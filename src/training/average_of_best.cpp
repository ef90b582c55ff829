#include "training/average_of_best.h"

#include <algorithm>
#include <cmath>

#include "config/config_fields.h"
#include "support/error.h"
#include "support/progress.h"

namespace wavemt {
namespace {

constexpr const char* kAverageKey = "average";

std::optional<double> ScoreNamed(const AverageOfBest& average, std::string_view name) {
  const auto found = std::ranges::find(average.scores, fmt::format("valid/{}", name),
                                       &std::pair<std::string, double>::first);
  return found == average.scores.end() ? std::nullopt : std::optional(found->second);
}

std::string_view MetricForPeople(ValidationMetric metric) {
  if (metric == ValidationMetric::kBleu) return "BLEU";
  if (metric == ValidationMetric::kChrf) return "chrF";
  return NameOf(metric);
}

}  // namespace

std::optional<BestScore> ScoreOfAverage(const AverageOfBest& average, ValidationMetric metric) {
  const std::optional<double> score = ScoreNamed(average, NameOf(metric));
  if (!score || !std::isfinite(*score)) return std::nullopt;
  return BestScore{.score = *score, .loss = ScoreNamed(average, "loss")};
}

void AddToState(const AverageOfBest& average, Json* state) {
  Json scores = Json::object();
  for (const auto& [name, value] : average.scores) scores[name] = value;
  (*state)[kAverageKey] = {{"of", ToJson(average.of)}, {"scores", scores}};
}

std::optional<AverageOfBest> AverageOfState(const Json& state, std::string_view origin) {
  if (!state.is_object() || !state.contains(kAverageKey)) return std::nullopt;
  const Json& json = state[kAverageKey];
  const bool is_known = json.is_object() && json.contains("of") && json.contains("scores") &&
                        json["scores"].is_object();
  if (!is_known) {
    throw UsageError("{}: \"{}\" does not say which checkpoints it comes from, and its scores",
                     origin, kAverageKey);
  }
  AverageOfBest average{.of = BestScoresFromJson(json["of"], "of", origin)};
  if (average.of.empty()) {
    throw UsageError("{}: \"{}\" names no checkpoint that it comes from", origin, kAverageKey);
  }
  for (const auto& [name, value] : json["scores"].items()) {
    if (value.is_null()) continue;  // It was not finite.
    if (!value.is_number()) {
      throw UsageError("{}: \"{}\" has a score that is not a number: {}", origin, kAverageKey,
                       QuoteJson(value));
    }
    average.scores.emplace_back(name, value.get<double>());
  }
  return average;
}

std::string StepsText(const AverageOfBest& average) {
  std::string text;
  for (size_t i = 0; i < average.of.size(); ++i) {
    if (i > 0) text += i + 1 == average.of.size() ? " and " : ", ";
    text += WithThousands(average.of[i].step);
  }
  return text;
}

std::string ScoresText(const AverageOfBest& average, ValidationMetric metric) {
  const auto is_better = [&](const BestScore& a, const BestScore& b) {
    return IsBetter(a, b, metric);
  };
  const BestScore best = *std::ranges::min_element(average.of, is_better);
  const std::optional<BestScore> score = ScoreOfAverage(average, metric);
  return fmt::format("valid {} {}, the best of them {:.4g}", MetricForPeople(metric),
                     score ? fmt::format("{:.4g}", score->score) : "unknown", best.score);
}

}  // namespace wavemt
