#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace wavemt {

/// Groups of bars, one bar a series in each.
struct BarChart {
  struct Series {
    std::string name{};
    size_t color = 0;                             // See LineColor().
    std::vector<std::optional<double>> values{};  // One for each group; nothing: no bar.
  };

  std::string title{};
  std::string value_label{};
  std::string group_label{};
  std::vector<std::string> groups{};
  std::vector<Series> series{};
};

/// The chart as a figure; its values, which are at least 0, are written above the bars.
std::string BarChartFigure(const BarChart& chart);

}  // namespace wavemt
