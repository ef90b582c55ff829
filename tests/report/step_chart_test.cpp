#include "report/step_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/axis.h"

namespace wavemt {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

StepChart ChartOf(std::vector<LoggedSeries::Point> points) {
  return {.title = "loss",
          .value_label = "nats",
          .curves = {{.name = "run", .points = std::move(points)}}};
}

// The paths of the curves, without the samples of the legend.
std::string FirstPath(const std::string& svg) {
  const std::string_view before = "stroke-linejoin=\"round\" d=\"";
  const size_t start = svg.find(before) + before.size();
  return svg.substr(start, svg.find('"', start) - start);
}

TEST(StepChartTest, NumbersAreShort) {
  EXPECT_EQ(NumberText(0), "0");
  EXPECT_EQ(NumberText(-0.25), "−0.25");
  EXPECT_EQ(NumberText(2000), "2000");
  EXPECT_EQ(NumberText(20000), "20k");
  EXPECT_EQ(NumberText(150000), "150k");
  EXPECT_EQ(NumberText(2.5e6), "2.5M");
  EXPECT_EQ(NumberText(-1e-5), "−1e−5");
  EXPECT_EQ(NumberText(1e12), "1e12");
}

TEST(StepChartTest, ACurveRunsThroughItsPoints) {
  // The axes are 400 and 220 pixels long and begin at 66 and 230.
  const std::string svg = StepChartFigure(ChartOf({{0, 0}, {50, 10}, {100, 5}}));
  EXPECT_EQ(FirstPath(svg), "M66.0 230.0h.1L266.0 10.0L466.0 120.0");
  EXPECT_THAT(svg, HasSubstr("data-values=\"0 0 50 10 100 5\""));
  EXPECT_THAT(svg, HasSubstr("data-steps=\"0 100 66 466 10 230\""));
}

TEST(StepChartTest, TheAxisBeginsNearTheLowestValueUnlessItShallBeginAtZero) {
  StepChart chart = ChartOf({{10, 30}, {20, 34}});
  EXPECT_EQ(FirstPath(StepChartFigure(chart)), "M266.0 230.0h.1L466.0 10.0");
  chart.from_zero = true;
  EXPECT_THAT(StepChartFigure(chart), HasSubstr(">0</text>"));
  EXPECT_NE(FirstPath(StepChartFigure(chart)), "M266.0 230.0h.1L466.0 10.0");
}

TEST(StepChartTest, ValuesOverDecadesGetALogarithmicAxis) {
  StepChart chart = ChartOf({{0, 0.1}, {50, 1}, {100, 10}});
  chart.logarithmic_from = 101;
  EXPECT_THAT(StepChartFigure(chart), Not(HasSubstr("logarithmic")));
  chart.logarithmic_from = 100;
  const std::string svg = StepChartFigure(chart);
  EXPECT_THAT(svg, HasSubstr(">nats, logarithmic</text>"));
  EXPECT_EQ(FirstPath(svg), "M66.0 230.0h.1L266.0 120.0L466.0 10.0");
  // A value that has no logarithm.
  chart.curves[0].points[0].value = 0;
  EXPECT_THAT(StepChartFigure(chart), Not(HasSubstr("logarithmic")));
}

TEST(StepChartTest, WhatIsNotFiniteIsAGap) {
  const std::string svg = StepChartFigure(ChartOf({{0, 0}, {50, kNotANumber}, {100, 10}}));
  EXPECT_EQ(FirstPath(svg), "M66.0 230.0h.1M466.0 10.0h.1");
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(StepChartTest, NoValuesMakeItFail) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  const std::vector<std::vector<LoggedSeries::Point>> cases = {
      {},
      {{0, 5}},
      {{7, kNotANumber}},
      {{1, 0}, {2, 0}},
      {{1, 3e-310}, {2, 4e-310}},
      {{1, -kLargest}, {2, kLargest}},
      {{1, kLargest}, {int64_t{1} << 62, kLargest}},
      {{1, 1e300}, {2, 1e-300}}};
  for (const auto& points : cases) {
    StepChart chart = ChartOf(points);
    for (const double logarithmic_from : {0.0, 100.0}) {
      chart.logarithmic_from = logarithmic_from;
      const std::string svg = StepChartFigure(chart);
      EXPECT_THAT(svg, Not(HasSubstr("nan")));
      EXPECT_THAT(svg, Not(HasSubstr("inf")));
      EXPECT_LT(svg.size(), 20'000U);
    }
  }
}

TEST(StepChartTest, AMillionStepsGiveASmallChart) {
  std::vector<LoggedSeries::Point> points;
  for (int64_t step = 1; step <= 1'000'000; ++step) {
    points.push_back({step, std::sin(static_cast<double>(step))});
  }
  EXPECT_LT(StepChartFigure(ChartOf(std::move(points))).size(), 50'000U);
}

TEST(StepChartTest, NamesAreText) {
  StepChart chart = ChartOf({{0, 1}, {1, 2}});
  chart.curves[0].name = "<run \"1\">";
  const std::string svg = StepChartFigure(chart);
  EXPECT_THAT(svg, HasSubstr("&lt;run &quot;1&quot;&gt;</li>"));
  EXPECT_THAT(svg, Not(HasSubstr("<run")));
}

}  // namespace
}  // namespace wavemt
