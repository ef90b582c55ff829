#include "workflow/best_model.h"

#include <cmath>
#include <string>

#include "checkpoint/checkpoint.h"
#include "config/config_fields.h"
#include "support/error.h"
#include "support/files.h"
#include "training/average_of_best.h"
#include "workflow/metrics_history.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// The scores of the first set. A log that cannot be read is only missed here.
std::vector<NamedScore> ScoresOfStep(const fs::path& file, int64_t step) {
  std::vector<NamedScore> scores;
  MetricsHistory metrics;
  try {
    metrics = ParseMetrics(ReadFile(file));
  } catch (const Error&) {
    return {};
  }
  for (const auto& [metric, value] : NamesOf(ValidationMetric{})) {
    const LoggedSeries* series = metrics.Find(fmt::format("{}/{}", kValidKey, metric));
    const LoggedSeries::Point* point = series == nullptr ? nullptr : series->At(step);
    if (point == nullptr || std::isnan(point->value)) continue;
    scores.push_back({.name = series->key, .value = point->value, .signature = series->signature});
  }
  return scores;
}

// Those on the first set.
std::vector<NamedScore> ScoresOfTheAverage(const fs::path& folder) {
  std::vector<NamedScore> scores;
  try {
    const auto average =
        AverageOfState(ReadCheckpointState(folder), (folder / kStateFile).string());
    if (!average) return {};
    for (const auto& [metric, value] : NamesOf(ValidationMetric{})) {
      for (const NamedScore& score : average->scores) {
        if (score.name == fmt::format("{}/{}", kValidKey, metric)) scores.push_back(score);
      }
    }
  } catch (const Error&) {
    return {};
  }
  return scores;
}

}  // namespace

std::optional<BestModel> FindBestModel(const RunDirectory& run) {
  if (run.BestIsAverage()) {
    return BestModel{.checkpoint = run.AveragePath(),
                     .scores = ScoresOfTheAverage(run.AveragePath())};
  }
  if (const auto step = run.BestStep()) {
    return BestModel{.checkpoint = run.CheckpointPath(*step),
                     .step = step,
                     .scores = ScoresOfStep(run.MetricsPath(), *step)};
  }
  const auto step = run.LatestStep();
  if (!step) return std::nullopt;
  return BestModel{.checkpoint = run.CheckpointPath(*step), .step = step, .is_best = false};
}

}  // namespace wavemt
