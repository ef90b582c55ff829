#include "training/best_scores.h"

#include <algorithm>
#include <string>
#include <utility>

#include "support/error.h"

namespace wavemt {
namespace {

BestScore BestScoreFromJson(const Json& json, const std::string& origin) {
  BestScore score{.step = JsonCount(json, "step", origin)};
  const Json value = json.value("score", Json());
  if (!value.is_number()) throw UsageError("{}: \"score\" is not a number", origin);
  score.score = value.get<double>();
  // JSON cannot represent a loss that is not finite; the library writes null.
  const Json loss = json.value("loss", Json());
  if (loss.is_null()) return score;
  if (!loss.is_number()) throw UsageError("{}: \"loss\" is not a number", origin);
  score.loss = loss.get<double>();
  return score;
}

}  // namespace

bool IsBetter(const BestScore& a, const BestScore& b, ValidationMetric metric) {
  if (a.score == b.score) return a.loss && b.loss && *a.loss < *b.loss;
  const bool lower_is_better =
      metric == ValidationMetric::kLoss || metric == ValidationMetric::kPerplexity;
  return lower_is_better ? a.score < b.score : a.score > b.score;
}

std::optional<size_t> BestScores::Add(const BestScore& score) {
  const auto is_worse = [&](const BestScore& other) { return IsBetter(score, other, metric_); };
  const auto place = std::ranges::find_if(scores_, is_worse);
  const auto index = static_cast<size_t>(place - scores_.begin());
  if (index == number_) return std::nullopt;
  scores_.insert(place, score);
  if (scores_.size() > number_) scores_.pop_back();
  return index;
}

void BestScores::Restore(std::vector<BestScore> scores) {
  scores_ = std::move(scores);
  if (scores_.size() > number_) scores_.resize(number_);
}

std::vector<int64_t> BestScores::Steps() const {
  std::vector<int64_t> steps;
  for (const BestScore& score : scores_) steps.push_back(score.step);
  return steps;
}

Json ToJson(std::span<const BestScore> scores) {
  Json list = Json::array();
  for (const BestScore& score : scores) {
    list.push_back({{"step", score.step},
                    {"score", score.score},
                    {"loss", score.loss ? Json(*score.loss) : Json(nullptr)}});
  }
  return list;
}

std::vector<BestScore> BestScoresFromJson(const Json& list, std::string_view name,
                                          std::string_view origin) {
  if (!list.is_array() || list.size() > size_t{kMaxAverageBest}) {
    throw UsageError("{}: \"{}\" is not a list of at most {} scores", origin, name,
                     kMaxAverageBest);
  }
  std::vector<BestScore> scores;
  for (const Json& item : list) {
    scores.push_back(
        BestScoreFromJson(item, fmt::format("{}: \"{}\"[{}]", origin, name, scores.size())));
  }
  std::vector<int64_t> steps;
  steps.reserve(scores.size());
  for (const BestScore& score : scores) steps.push_back(score.step);
  std::ranges::sort(steps);
  if (std::ranges::adjacent_find(steps) != steps.end()) {
    throw UsageError("{}: \"{}\" has a step twice", origin, name);
  }
  return scores;
}

}  // namespace wavemt
