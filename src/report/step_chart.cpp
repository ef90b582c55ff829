#include "report/step_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "report/axis.h"
#include "report/curve_style.h"
#include "report/html.h"
#include "report/page_parts.h"
#include "report/thinning.h"

namespace wavemt {
namespace {

constexpr double kChartTopMargin = 10;
constexpr double kChartRightMargin = 18;
constexpr double kStepsWidth = 400;
constexpr double kValuesHeight = 220;
constexpr size_t kMostMarkedPoints = 40;

// Differences of larger numbers may have none.
bool IsDrawn(double value) { return std::abs(value) < 1e300; }

Axis StepAxis(const StepChart& chart) {
  int64_t last = 1;
  for (const StepCurve& curve : chart.curves) {
    if (!curve.points.empty()) last = std::max(last, curve.points.back().step);
  }
  return {.low = 0,
          .high = static_cast<double>(last),
          .start = kAxisWidth,
          .end = kAxisWidth + kStepsWidth,
          .label = "step",
          .whole = true,
          .tick_distance = 80};
}

struct ValueRange {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
};

ValueRange RangeOf(const StepChart& chart) {
  ValueRange range;
  for (const StepCurve& curve : chart.curves) {
    for (const auto& point : curve.points) {
      if (!IsDrawn(point.value)) continue;
      range.low = std::min(range.low, point.value);
      range.high = std::max(range.high, point.value);
    }
  }
  if (range.low > range.high) return {.low = 0, .high = 1};
  return range;
}

Axis StepValueAxis(const StepChart& chart) {
  ValueRange range = RangeOf(chart);
  Axis axis = {.start = kChartTopMargin + kValuesHeight,
               .end = kChartTopMargin,
               .label = chart.value_label,
               .tick_distance = 40};
  if (chart.logarithmic_from > 0 && range.low > 0 &&
      range.high >= chart.logarithmic_from * range.low) {
    axis.logarithmic = true;
    axis.label += ", logarithmic";
    axis.low = std::pow(10, std::floor(std::log10(range.low)));
    axis.high = std::pow(10, std::ceil(std::log10(range.high)));
    return axis;
  }
  if (chart.from_zero) {
    range.low = std::min(range.low, 0.0);
    range.high = std::max(range.high, 0.0);
  }
  if (range.high == range.low) {
    double& nearer_to_zero = range.low > 0 ? range.low : range.high;
    nearer_to_zero = range.low == 0 ? 1 : 0.999 * nearer_to_zero;
  }
  const double step = RoundStep(range.high - range.low, 5);
  axis.low = step * std::floor(range.low / step);
  axis.high = step * std::ceil(range.high / step);
  return axis;
}

std::string PointsPath(std::span<const LoggedSeries::Point> points, const Axis& steps,
                       const Axis& values) {
  std::string path;
  bool is_drawing = false;
  for (const auto& [step, value] : points) {
    const bool is_finite = IsDrawn(value);
    if (is_finite) {
      path += fmt::format("{}{:.1f} {:.1f}", is_drawing ? "L" : "M",
                          steps.At(static_cast<double>(step)), values.At(value));
      if (!is_drawing) path += "h.1";  // A lone value becomes a dot.
    }
    is_drawing = is_finite;
  }
  return path;
}

std::string Marks(const StepCurve& curve, const Axis& steps, const Axis& values) {
  std::string svg;
  if (curve.points.size() > kMostMarkedPoints) return svg;
  for (const auto& [step, value] : curve.points) {
    if (!IsDrawn(value)) continue;
    svg +=
        fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="2.5" fill="{}"/>)",
                    steps.At(static_cast<double>(step)), values.At(value), LineColor(curve.color));
  }
  return svg;
}

std::string ValuesOf(std::span<const LoggedSeries::Point> points) {
  std::string text;
  for (const auto& [step, value] : points) {
    if (!IsDrawn(value)) continue;
    text += fmt::format("{}{} {:.6g}", text.empty() ? "" : " ", step, value);
  }
  return text;
}

std::string Legend(const StepChart& chart) {
  std::string html = "<ul class=\"legend\">";
  for (const StepCurve& curve : chart.curves) {
    html +=
        fmt::format("<li>{} {}</li>", LineSample(curve.color, curve.dash), EscapeHtml(curve.name));
  }
  return html + "</ul>\n";
}

}  // namespace

std::string StepChartFigure(const StepChart& chart) {
  const Axis steps = StepAxis(chart);
  const Axis values = StepValueAxis(chart);
  std::string svg = fmt::format(
      R"(<svg width="{0}" viewBox="0 0 {0} {1}" role="img" aria-label="{2}" fill="currentColor" )"
      R"(data-steps="{3} {4} {5} {6} {7} {8}">)",
      steps.end + kChartRightMargin, values.start + kAxisHeight, EscapeHtml(chart.title), steps.low,
      steps.high, steps.start, steps.end, values.end, values.start);
  svg += AxisBelow(steps, values.start, values.start - values.end);
  svg += AxisBeside(values, steps.start, kStepsWidth);
  for (const StepCurve& curve : chart.curves) {
    // A bucket for every two pixels or so.
    const auto points = Thinned(curve.points, static_cast<size_t>(kStepsWidth / 2));
    svg += fmt::format(R"(<g data-name="{}" data-values="{}"><path {} stroke-linecap="round" )"
                       R"(stroke-linejoin="round" d="{}"/>{}</g>)",
                       EscapeHtml(curve.name), ValuesOf(points), LineStyle(curve.color, curve.dash),
                       PointsPath(points, steps, values), Marks(curve, steps, values));
  }
  return Figure("chart", chart.title, svg + "</svg>\n" + Legend(chart));
}

}  // namespace wavemt
