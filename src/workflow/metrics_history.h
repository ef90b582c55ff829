#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// What was logged under one name in the course of a training.
struct LoggedSeries {
  struct Point {
    int64_t step = 0;
    double value = 0;  // Not a number where the log has null: it was not finite.
  };

  std::string key{};            // "loss", "valid/bleu", "test/news/chrf"
  std::string signature{};      // Of a score, from its newest line; empty if it has none.
  std::vector<Point> points{};  // By step; each step occurs once.

  /// Null if nothing was logged at `step`.
  const Point* At(int64_t step) const;
};

/// The contents of a metrics.jsonl.
struct MetricsHistory {
  std::vector<LoggedSeries> series{};  // In the order in which their keys first appear.
  int64_t last_step = 0;
  int64_t last_epoch = 0;
  int64_t damaged_lines = 0;  // Left out. The last line of a training at work may be a half one.

  /// Null if nothing has this key.
  const LoggedSeries* Find(std::string_view key) const;
};

MetricsHistory ParseMetrics(std::string_view text);

}  // namespace wavemt
