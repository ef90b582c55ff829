#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "support/json.h"

namespace wavemt {

/// One of the best values of training.best_metric so far.
struct BestScore {
  int64_t step = 0;  // Whose model was measured.
  double score = 0;
  std::optional<double> loss{};  // Of the same validation. Missing in old checkpoints.

  friend bool operator==(const BestScore&, const BestScore&) = default;
};

/// Whether `a` is better than `b`. If the scores are equal, which is common early in training
/// (BLEU 0), the lower loss is better.
bool IsBetter(const BestScore& a, const BestScore& b, ValidationMetric metric);

/// The scores of the best validations of a training so far, the best one first.
class BestScores {
 public:
  /// Keeps up to `number` of them.
  BestScores(ValidationMetric metric, int64_t number)
      : metric_(metric), number_(static_cast<size_t>(number)) {}

  /// The place that `score` takes among them, counted from 0; nothing if it is not one of the best.
  /// Of two that are equal, the earlier one is better.
  std::optional<size_t> Add(const BestScore& score);

  /// Takes over those of a checkpoint, the best one first. There may be more than are kept now.
  void Restore(std::vector<BestScore> scores);
  void Clear() { scores_.clear(); }

  const std::vector<BestScore>& all() const { return scores_; }
  std::vector<int64_t> Steps() const;

 private:
  ValidationMetric metric_;
  size_t number_;
  std::vector<BestScore> scores_;
};

Json ToJson(std::span<const BestScore> scores);

/// Reads what ToJson() gives. A usage error that begins with `origin` and names `name`, the list's
/// key, if it has another form, or the same step twice.
std::vector<BestScore> BestScoresFromJson(const Json& list, std::string_view name,
                                          std::string_view origin);

}  // namespace wavemt
