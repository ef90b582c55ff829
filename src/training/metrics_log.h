#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "support/json.h"

namespace wavemt {

/// metrics.jsonl: one JSON object a line, each with its "step".
class MetricsLog {
 public:
  /// Opens the log to go on behind `last_step`. Lines of later steps, which a stopped run wrote
  /// after its last checkpoint, and a line that was cut short are dropped.
  MetricsLog(std::filesystem::path path, int64_t last_step);

  /// Appends a line that the reader of the file sees at once. A line that cannot be written (disk
  /// full) gives a warning: training is worth more than its log.
  void Write(const Json& line);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace wavemt
