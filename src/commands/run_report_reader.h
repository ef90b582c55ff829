#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/run_report.h"
#include "workflow/position_study.h"

namespace wavemt {

/// Reads the runs of a report, which may be in training, as often as asked.
class RunReportReader {
 public:
  /// `paths`: as typed. A usage error if two are the same run. `may_be_empty`: whether runs that
  /// have logged nothing yet are read as well.
  RunReportReader(std::vector<std::string> paths, bool may_be_empty);

  /// Warns of damaged lines whenever there are more of them than before. Position encodings are
  /// studied the first time only, since that reads all weights.
  RunReport Read();

 private:
  void WarnOfDamage(const ReportedRun& run);

  std::vector<std::string> paths_;
  bool may_be_empty_;
  bool has_studied_ = false;
  std::vector<std::optional<PositionStudy>> positions_;
  int64_t damaged_before_ = 0;
};

}  // namespace wavemt
