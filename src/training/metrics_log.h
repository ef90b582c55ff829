#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "support/append_file.h"
#include "support/checksum.h"
#include "support/json.h"

namespace wavemt {

/// metrics.jsonl: one JSON object a line, each with its "step". A line that cannot be written (disk
/// full) is kept in memory until it can: training is worth more than its log (see append_file.h).
class MetricsLog {
 public:
  /// The log up to some line.
  struct Mark {
    int64_t bytes = 0;
    Crc32 checksum;

    void Add(std::string_view text);
  };

  /// Where training goes on, as the checkpoint that it goes on from knows it.
  struct ResumePoint {
    int64_t step = 0;
    /// Lines of the step's own validation stay too.
    bool with_validation = true;
    /// The log when the checkpoint was written.
    std::optional<Mark> mark{};
  };

  /// Opens the log to go on from there. Lines of later steps, which a stopped run wrote after the
  /// checkpoint, and a line that was cut short are dropped. A warning if the log is not what it was
  /// when the checkpoint was written.
  MetricsLog(const std::filesystem::path& path, const ResumePoint& from);

  /// Appends a line that the reader of the file sees at once.
  void Write(const Json& line);
  /// The log up to the last line, including lines that could not be written yet. Nothing if the old
  /// log could not be read when it was opened.
  std::optional<Mark> mark() const { return mark_; }
  /// Puts the lines on the disk.
  void Sync() { file_.Sync(); }

 private:
  // Drops what does not stay. Called again if it failed.
  void Prepare(const std::filesystem::path& path, const ResumePoint& from);

  std::optional<Mark> mark_;
  bool is_open_ = false;
  bool has_warned_ = false;
  AppendFile file_;  // Calls Prepare().
};

}  // namespace wavemt
