#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workflow/position_study.h"
#include "workflow/run_evaluation.h"
#include "workflow/run_record.h"

namespace wavemt {

/// A run as a report shows it. Its place among the others decides its colour.
struct ReportedRun {
  std::string name{};  // Well-formed UTF-8, and not that of another run of the report.
  RunRecord record{};
  std::optional<RunEvaluation> evaluation{};
  std::optional<PositionStudy> positions{};
};

struct RunReport {
  std::vector<ReportedRun> runs{};  // At least one.
  std::string made{};               // By what and when: "wavemt 0.2.0, 2026-11-30 12:00".
  /// Of a page that a server makes anew while training goes on: what its path "stamp" answers as
  /// long as the page is up to date. Empty: the page is a file.
  std::string live_stamp{};
};

/// How people write the name of a metric in the log: "BLEU" for "bleu".
std::string MetricTitle(const std::string& metric);

/// A key of the log such as "valid/news/bleu", taken apart: "valid/news" and "bleu".
struct ScoreKey {
  std::string set{};
  std::string metric{};
};

/// Nothing if `key` is not that of a validation's score, or if the same score stands under the name
/// of its set as well, as that of the first of several sets does.
std::optional<ScoreKey> ScoreKeyOf(const MetricsHistory& metrics, const std::string& key);

}  // namespace wavemt
