#include "report/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "report/axis.h"
#include "report/curve_style.h"
#include "report/html.h"

namespace wavemt {
namespace {

constexpr double kChartTop = 10;
constexpr double kChartWidth = 400;
constexpr double kLeastChartHeight = 260;
constexpr double kNameSpacing = 17;
constexpr double kNameWidth = 130;

// Five curves differ in both; the sixth takes the first colour again, but the second dash.
std::string CurveStyle(size_t index) { return LineStyle(index, index + index / kNumCurveStyles); }

// From 0 or below to 0 or above, in whole steps.
Axis ValueAxis(const DistanceCurves& curves) {
  Axis axis = {.low = 0, .high = 0, .label = curves.value_label};
  for (const DistanceCurves::Curve& curve : curves.curves) {
    for (const double value : curve.values) {
      if (!std::isfinite(value)) continue;
      axis.low = std::min(axis.low, value);
      axis.high = std::max(axis.high, value);
    }
  }
  if (axis.low == axis.high) axis.high = 1;
  const double step = RoundStep(axis.high - axis.low, 5);
  axis.low = step * std::floor(axis.low / step);
  axis.high = step * std::ceil(axis.high / step);
  const double names = kNameSpacing * static_cast<double>(curves.curves.size());
  axis.start = kChartTop + std::max(kLeastChartHeight, names);
  axis.end = kChartTop;
  return axis;
}

Axis DistanceAxis(const DistanceCurves& curves) {
  size_t longest = 2;
  for (const DistanceCurves::Curve& curve : curves.curves) {
    longest = std::max(longest, curve.values.size());
  }
  const auto first = static_cast<double>(curves.first_distance);
  return {.low = first,
          .high = first + static_cast<double>(longest - 1),
          .start = kAxisWidth,
          .end = kAxisWidth + kChartWidth,
          .label = "distance: position of the key \u2212 position of the query",
          .whole = true};
}

std::string CurvePath(const std::vector<double>& values, const Axis& distances, const Axis& axis) {
  std::string path;
  bool pen_is_down = false;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) {
      path += fmt::format("{}{:.1f} {:.1f}", pen_is_down ? "L" : "M",
                          distances.At(distances.low + static_cast<double>(i)), axis.At(values[i]));
      if (!pen_is_down) path += "h.1";  // A lone value becomes a dot.
    }
    pen_is_down = std::isfinite(values[i]);
  }
  return path;
}

// 0 if none is.
template <typename Iterator>
double FirstFinite(Iterator begin, Iterator end) {
  const auto first = std::find_if(begin, end, [](double value) { return std::isfinite(value); });
  return first == end ? 0 : *first;
}

struct CurveName {
  size_t curve;
  double end;    // The height of the curve's last point,
  double begin;  // that of its first,
  double y;      // and that of its name.
};

// The names from top to bottom in the order of their curves, moved apart where they collide.
std::vector<CurveName> PlaceNames(const std::vector<DistanceCurves::Curve>& curves,
                                  const Axis& axis) {
  std::vector<CurveName> names;
  for (size_t i = 0; i < curves.size(); ++i) {
    const std::vector<double>& values = curves[i].values;
    const double begin = axis.At(FirstFinite(values.begin(), values.end()));
    const double end = axis.At(FirstFinite(values.rbegin(), values.rend()));
    names.push_back({.curve = i, .end = end, .begin = begin, .y = end});
  }
  std::ranges::stable_sort(names, {},
                           [](const CurveName& name) { return std::pair(name.end, name.begin); });
  double lowest = axis.start;
  for (auto name = names.rbegin(); name != names.rend(); ++name, lowest -= kNameSpacing) {
    name->y = std::min(name->y, lowest);
  }
  for (size_t i = 1; i < names.size(); ++i) {
    names[i].y = std::max(names[i].y, names[i - 1].y + kNameSpacing);
  }
  return names;
}

}  // namespace

std::string LineChart(const DistanceCurves& curves) {
  const Axis distances = DistanceAxis(curves);
  const Axis axis = ValueAxis(curves);
  std::string svg = OpenSvg(distances.end + kNameWidth, axis.start + kAxisHeight, curves.title);
  svg += AxisBelow(distances, axis.start, axis.start - axis.end);
  svg += AxisBeside(axis, distances.start, kChartWidth);
  for (const CurveName& name : PlaceNames(curves.curves, axis)) {
    const DistanceCurves::Curve& curve = curves.curves[name.curve];
    // The line goes on to the name, so that one finds the other without colours.
    svg += fmt::format(
        R"(<g {} stroke-linecap="round"><path d="{}"/><path d="M{} {:.1f}l16 {:.1f}h20"/></g>)"
        R"(<text x="{}" y="{:.1f}">{}</text>)",
        CurveStyle(name.curve), CurvePath(curve.values, distances, axis), distances.end, name.end,
        name.y - name.end, distances.end + 42, name.y + 4.5, EscapeHtml(curve.name));
  }
  return svg + "</svg>\n";
}

}  // namespace wavemt
