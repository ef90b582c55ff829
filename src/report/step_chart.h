#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "workflow/metrics_history.h"

namespace wavemt {

/// Something that was logged again and again, as a curve.
struct StepCurve {
  std::string name{};
  size_t color = 0;  // See LineStyle().
  size_t dash = 0;
  std::vector<LoggedSeries::Point> points{};  // By step.
};

/// Curves over the steps of a training.
struct StepChart {
  std::string title{};
  std::string value_label{};
  bool from_zero = false;  // Otherwise the axis begins near the lowest value.
  /// The axis is logarithmic from this ratio of the largest to the smallest value on, if all are
  /// above 0; 0: never.
  double logarithmic_from = 0;
  std::vector<StepCurve> curves{};
};

/// The chart as a figure with a legend. Its <svg> says in data-steps where its step axis lies, and
/// each curve in data-values which values it has, for a script that reads them out.
std::string StepChartFigure(const StepChart& chart);

}  // namespace wavemt
