#include "report/line_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "report/axis.h"

namespace wavemt {
namespace {

using testing::HasSubstr;
using testing::Not;

DistanceCurves Curves(std::vector<DistanceCurves::Curve> curves) {
  return {
      .title = "scores", .value_label = "score", .first_distance = -1, .curves = std::move(curves)};
}

// What stands between each `before` and the next quotation mark.
std::vector<std::string> Attributes(const std::string& svg, const std::string& before) {
  std::vector<std::string> found;
  for (size_t at = svg.find(before); at != std::string::npos; at = svg.find(before, at + 1)) {
    const size_t start = at + before.size();
    found.push_back(svg.substr(start, svg.find('"', start) - start));
  }
  return found;
}

TEST(LineChartTest, StepsAreRound) {
  EXPECT_DOUBLE_EQ(RoundStep(10, 5), 2);
  EXPECT_DOUBLE_EQ(RoundStep(11, 5), 5);
  EXPECT_DOUBLE_EQ(RoundStep(0.03, 4), 0.01);
  EXPECT_DOUBLE_EQ(RoundStep(600, 8), 100);
}

TEST(LineChartTest, AxesHaveRoundNumbersAndLabels) {
  const std::string svg = LineChart(Curves({{.name = "head 1", .values = {-0.27, 0, 0.31}}}));
  for (const char* text : {"−1", "0", "1", "−0.4", "−0.2", "0.4", "score", "head 1"}) {
    EXPECT_THAT(svg, HasSubstr(std::string(">") + text + "</text>"));
  }
}

TEST(LineChartTest, ACurveRunsThroughItsValues) {
  const std::string svg = LineChart(Curves({{.name = "", .values = {0, 1, 0.5}}}));
  EXPECT_THAT(svg, HasSubstr(R"(d="M66.0 270.0h.1L266.0 10.0L466.0 140.0")"));
}

TEST(LineChartTest, WhatIsNotFiniteIsAGap) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::string svg = LineChart(Curves({{.name = "", .values = {1, -kInfinity, 0.5}},
                                            {.name = "none", .values = {std::nan("")}},
                                            {.name = "empty", .values = {}}}));
  EXPECT_THAT(svg, HasSubstr(R"(d="M66.0 10.0h.1M466.0 140.0h.1")"));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(LineChartTest, SixteenCurvesDifferInStyleAndTheirNamesDoNotCollide) {
  std::vector<DistanceCurves::Curve> curves;
  for (int i = 0; i < 16; ++i) curves.push_back({.name = "head", .values = {-i / 9.0, 0}});
  const std::string svg = LineChart(Curves(curves));
  const auto styles = Attributes(svg, "<g fill=\"none\" stroke=\"");
  const auto dashes = Attributes(svg, "stroke-dasharray=\"");
  ASSERT_EQ(styles.size(), 16U);
  ASSERT_EQ(dashes.size(), 16U);
  std::set<std::string> both;
  for (size_t i = 0; i < styles.size(); ++i) both.insert(styles[i] + dashes[i]);
  EXPECT_EQ(both.size(), 16U);
  const auto heights = Attributes(svg, "<text x=\"508\" y=\"");
  ASSERT_EQ(heights.size(), 16U);
  for (size_t i = 1; i < heights.size(); ++i) {
    EXPECT_GE(std::stod(heights[i]) - std::stod(heights[i - 1]), 16.9);
  }
}

}  // namespace
}  // namespace wavemt
