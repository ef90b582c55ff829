#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "commands/run_report_reader.h"

namespace wavemt {

/// The page about runs that are in training, made anew when their files have changed. Thread-safe.
class LiveReport {
 public:
  explicit LiveReport(const std::vector<std::string>& paths);

  /// Sizes and times of the runs' files, as a text: another one as soon as a run has gone on.
  std::string Stamp() const;
  std::string Html();

 private:
  std::vector<std::string> paths_;
  std::mutex mutex_;  // Of all below.
  RunReportReader reader_;
  std::string stamp_;  // Of html_.
  std::string html_;
};

}  // namespace wavemt
