#pragma once

#include <vector>

#include "evaluation/metric.h"

namespace wavemt {

inline std::vector<double> StatisticsOf(const Metric& metric, const Segment& segment) {
  std::vector<double> statistics(metric.NumStatistics());
  metric.NewMeter()->Measure(segment, statistics);
  return statistics;
}

inline double ScoreOf(const Metric& metric, const Segment& segment) {
  return metric.FullScore(StatisticsOf(metric, segment)).value;
}

}  // namespace wavemt
