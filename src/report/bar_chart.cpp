#include "report/bar_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/axis.h"
#include "report/curve_style.h"
#include "report/html.h"
#include "report/page_parts.h"

namespace wavemt {
namespace {

constexpr double kBarsTop = 22;
constexpr double kBarsHeight = 200;
constexpr double kBarPixels = 30;  // Room for the value above it.
constexpr double kGroupGap = 24;
constexpr double kLeastGroupWidth = 72;  // Room for its name.

Axis BarAxis(const BarChart& chart) {
  double high = 0;
  for (const BarChart::Series& series : chart.series) {
    for (const auto& value : series.values) high = std::max(high, value.value_or(0));
  }
  if (!(high > 0)) high = 1;
  const double step = RoundStep(high, 5);
  return {.low = 0,
          .high = step * std::ceil(high / step),
          .start = kBarsTop + kBarsHeight,
          .end = kBarsTop,
          .label = chart.value_label};
}

std::string Bar(double x, double value, size_t color, const Axis& axis) {
  const double y = axis.At(value);
  return fmt::format(
      R"(<rect x="{:.1f}" y="{:.1f}" width="{}" height="{:.1f}" fill="{}"/>)"
      R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle" font-size="11">{:.1f}</text>)",
      x, y, kBarPixels - 2, axis.start - y, LineColor(color), x + kBarPixels / 2 - 1, y - 4, value);
}

}  // namespace

std::string BarChartFigure(const BarChart& chart) {
  const Axis axis = BarAxis(chart);
  const double bars = kBarPixels * static_cast<double>(chart.series.size());
  const double group_width = std::max(bars + kGroupGap, kLeastGroupWidth);
  const double width = group_width * static_cast<double>(chart.groups.size());
  std::string svg = OpenSvg(kAxisWidth + width + 10, axis.start + kAxisHeight, chart.title);
  svg += AxisBeside(axis, kAxisWidth, width);
  for (size_t group = 0; group < chart.groups.size(); ++group) {
    const double left = kAxisWidth + group_width * static_cast<double>(group);
    for (size_t i = 0; i < chart.series.size(); ++i) {
      const BarChart::Series& series = chart.series[i];
      const std::optional<double> value =
          group < series.values.size() ? series.values[group] : std::nullopt;
      if (!value) continue;
      const double x = left + (group_width - bars) / 2 + kBarPixels * static_cast<double>(i);
      svg += Bar(x, *value, series.color, axis);
    }
    svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)",
                       left + group_width / 2, axis.start + 18, EscapeHtml(chart.groups[group]));
  }
  svg += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text></svg>)",
                     kAxisWidth + width / 2, axis.start + 36, EscapeHtml(chart.group_label));
  std::string legend = "\n<ul class=\"legend\">";
  for (const BarChart::Series& series : chart.series) {
    legend += fmt::format("<li>{} {}</li>", LineSample(series.color, 0), EscapeHtml(series.name));
  }
  return Figure("chart", chart.title, svg + legend + "</ul>\n");
}

}  // namespace wavemt
