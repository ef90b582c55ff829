#include "report/run_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "report/curve_style.h"

namespace wavemt {
namespace {

// Adds curves of several runs to one chart.
class ChartBuilder {
 public:
  ChartBuilder(const RunReport& report, StepChart chart)
      : report_(report), chart_(std::move(chart)) {}

  /// What is logged under `key`, as the curve of `what`; with one run and one curve of it, the name
  /// of the run is left out.
  void Add(size_t run, const std::string& key, const std::string& what, size_t dash) {
    const LoggedSeries* series = report_.runs[run].record.metrics.Find(key);
    if (series == nullptr) return;
    const std::string& name = report_.runs[run].name;
    std::string label = what.empty()               ? name
                        : report_.runs.size() == 1 ? what
                                                   : fmt::format("{}: {}", name, what);
    chart_.curves.push_back({.name = std::move(label),
                             .color = run,
                             // Runs that share a colour differ in their dashes.
                             .dash = dash + run / kNumCurveStyles,
                             .points = series->points});
  }

  void FinishInto(std::vector<StepChart>* charts) {
    if (!chart_.curves.empty()) charts->push_back(std::move(chart_));
  }

 private:
  const RunReport& report_;
  StepChart chart_;
};

// The scores of all sets by one metric, each run's with the dashes from `first_dash` on.
void AddScores(const RunReport& report, const std::string& metric, size_t first_dash,
               ChartBuilder* builder) {
  for (size_t run = 0; run < report.runs.size(); ++run) {
    const MetricsHistory& metrics = report.runs[run].record.metrics;
    size_t dash = first_dash;
    for (const LoggedSeries& series : metrics.series) {
      const std::optional<ScoreKey> key = ScoreKeyOf(metrics, series.key);
      if (key && key->metric == metric) builder->Add(run, series.key, key->set, dash++);
    }
  }
}

// A chart of something that is logged once a line.
void AddSingle(const RunReport& report, const std::string& key, StepChart chart,
               std::vector<StepChart>* charts) {
  ChartBuilder builder(report, std::move(chart));
  for (size_t run = 0; run < report.runs.size(); ++run) builder.Add(run, key, "", 0);
  builder.FinishInto(charts);
}

// Metrics of translations that some run has, the usual ones first.
std::vector<std::string> MetricsOfTranslations(const RunReport& report) {
  std::vector<std::string> found;
  for (const ReportedRun& run : report.runs) {
    for (const LoggedSeries& series : run.record.metrics.series) {
      const std::optional<ScoreKey> key = ScoreKeyOf(run.record.metrics, series.key);
      if (!key || key->metric == "loss" || key->metric == "perplexity") continue;
      if (std::ranges::find(found, key->metric) == found.end()) found.push_back(key->metric);
    }
  }
  const auto rank = [](const std::string& metric) {
    constexpr std::string_view kUsual[] = {"bleu", "chrf", "accuracy", "ter"};
    return std::ranges::find(kUsual, metric) - std::begin(kUsual);
  };
  std::ranges::stable_sort(found, {}, rank);
  return found;
}

}  // namespace

std::vector<StepChart> ChartsOf(const RunReport& report) {
  std::vector<StepChart> charts;
  ChartBuilder loss(report,
                    {.title = "Loss: training, with label smoothing, and validation, without",
                     .value_label = "nats per target token",
                     .logarithmic_from = 1000});
  for (size_t run = 0; run < report.runs.size(); ++run) loss.Add(run, "loss", "training", 0);
  AddScores(report, "loss", 1, &loss);
  loss.FinishInto(&charts);
  for (const std::string& metric : MetricsOfTranslations(report)) {
    ChartBuilder scores(report, {.title = MetricTitle(metric), .value_label = MetricTitle(metric)});
    AddScores(report, metric, 0, &scores);
    scores.FinishInto(&charts);
  }
  AddSingle(report, "lr",
            {.title = "Learning rate", .value_label = "learning rate", .from_zero = true}, &charts);
  AddSingle(report, "gradient_norm",
            {.title = "Norm of the gradient, before clipping",
             .value_label = "norm",
             .from_zero = true,
             .logarithmic_from = 100},
            &charts);
  AddSingle(report, "tokens_per_second",
            {.title = "Speed", .value_label = "target tokens per second", .from_zero = true},
            &charts);
  return charts;
}

}  // namespace wavemt
