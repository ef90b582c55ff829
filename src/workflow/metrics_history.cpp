#include "workflow/metrics_history.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "support/json.h"
#include "workflow/json_lines.h"

namespace wavemt {
namespace {

constexpr size_t kMostSeries = 500;  // A training has a dozen, and a few for each named set.
constexpr std::string_view kSignature = "_signature";

class MetricsCollector {
 public:
  explicit MetricsCollector(MetricsHistory* history) : history_(history) {}

  void Add(const Json& line) {
    const int64_t step = JsonCount(line, "step", "");
    history_->last_step = std::max(history_->last_step, step);
    if (line.contains("epoch")) history_->last_epoch = JsonCount(line, "epoch", "");
    for (const auto& [key, value] : line.items()) {
      if (key == "step" || key == "epoch") continue;
      if (value.is_number() || value.is_null()) {
        if (LoggedSeries* series = SeriesOf(key)) {
          series->points.push_back({step, value.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                                          : value.get<double>()});
        }
      } else if (value.is_string() && key.ends_with(kSignature)) {
        if (LoggedSeries* series = SeriesOf(key.substr(0, key.size() - kSignature.size()))) {
          series->signature = value.get<std::string>();
        }
      }
    }
  }

 private:
  LoggedSeries* SeriesOf(const std::string& key) {
    const auto found = index_.find(key);
    if (found != index_.end()) return &history_->series[found->second];
    if (history_->series.size() == kMostSeries) return nullptr;
    index_.emplace(key, history_->series.size());
    history_->series.push_back({.key = key});
    return &history_->series.back();
  }

  MetricsHistory* history_;
  std::map<std::string, size_t> index_;
};

// Of a step that occurs twice, the later line counts.
void SortBySteps(std::vector<LoggedSeries::Point>* points) {
  std::ranges::stable_sort(*points, {}, &LoggedSeries::Point::step);
  std::vector<LoggedSeries::Point> once;
  once.reserve(points->size());
  for (const LoggedSeries::Point& point : *points) {
    if (!once.empty() && once.back().step == point.step) once.pop_back();
    once.push_back(point);
  }
  *points = std::move(once);
}

}  // namespace

const LoggedSeries::Point* LoggedSeries::At(int64_t step) const {
  const auto found = std::ranges::lower_bound(points, step, {}, &Point::step);
  return found == points.end() || found->step != step ? nullptr : &*found;
}

const LoggedSeries* MetricsHistory::Find(std::string_view key) const {
  const auto found = std::ranges::find(series, key, &LoggedSeries::key);
  return found == series.end() ? nullptr : &*found;
}

MetricsHistory ParseMetrics(std::string_view text) {
  MetricsHistory history;
  MetricsCollector collector(&history);
  history.damaged_lines = ForEachJsonLine(text, [&](const Json& line) { collector.Add(line); });
  std::erase_if(history.series, [](const LoggedSeries& series) { return series.points.empty(); });
  for (LoggedSeries& series : history.series) SortBySteps(&series.points);
  return history;
}

}  // namespace wavemt
