#pragma once

#include <cstdint>
#include <filesystem>

#include "support/append_file.h"
#include "support/json.h"

namespace wavemt {

/// metrics.jsonl: one JSON object a line, each with its "step". A line that cannot be written (disk
/// full) waits in memory: training is worth more than its log (see append_file.h).
class MetricsLog {
 public:
  /// What of an older log stays, as a checkpoint knows it.
  struct Behind {
    int64_t step = 0;
    /// Lines of the step's own validation stay too.
    bool with_validation = true;
  };

  /// Opens the log to go on `behind` a checkpoint. Lines of later steps, which a stopped run wrote
  /// after it, and a line that was cut short are dropped.
  MetricsLog(const std::filesystem::path& path, Behind behind);

  /// Appends a line that the reader of the file sees at once.
  void Write(const Json& line) { file_.Append(line.dump() + "\n"); }
  /// Puts the lines on the disk.
  void Sync() { file_.Sync(); }

 private:
  AppendFile file_;
};

}  // namespace wavemt
