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

/// metrics.jsonl, and samples.jsonl too: one JSON object per line, each with its "step". Lines that
/// cannot be written, for example because the disk is full, are kept in memory until they can,
/// since training matters more than its log (see append_file.h).
class MetricsLog {
 public:
  /// A position in the log, with the checksum of everything before it.
  struct Mark {
    int64_t bytes = 0;
    Crc32 checksum;

    void Add(std::string_view text);
  };

  /// Where a resumed training continues, according to its checkpoint.
  struct ResumePoint {
    int64_t step = 0;
    /// Whether to keep the lines of this step's validation.
    bool with_validation = true;
    /// The end of the log when the checkpoint was written.
    std::optional<Mark> mark{};
  };

  /// Opens the log to continue from `from`. Drops truncated lines and those of later steps, which
  /// an interrupted run wrote after the checkpoint. Warns if the log has changed since the
  /// checkpoint was written.
  MetricsLog(const std::filesystem::path& path, const ResumePoint& from);

  /// Appends a line, which is immediately visible to readers of the file.
  void Write(const Json& line);
  /// The end of the log, including lines that could not be written yet. Nothing if the old log
  /// could not be read when it was opened.
  std::optional<Mark> mark() const { return mark_; }
  /// Flushes the lines to the disk.
  void Sync() { file_.Sync(); }

 private:
  // Removes the lines that are not kept. Called again if it failed.
  void Prepare(const std::filesystem::path& path, const ResumePoint& from);

  std::optional<Mark> mark_;
  bool is_open_ = false;
  bool has_warned_ = false;
  AppendFile file_;  // Calls Prepare().
};

}  // namespace wavemt
