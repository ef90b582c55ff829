#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "support/append_file.h"

namespace wavemt {

/// The seconds since 1970, as events have them.
double WallTime();

/// Writes a TensorBoard event file: TFRecord framing around Event messages
/// (tensorflow/core/util/event.proto).
class TensorboardWriter {
 public:
  /// Starts a new event file in `directory`. If `last_step` > 0, it tells TensorBoard to ignore
  /// later steps in earlier files.
  TensorboardWriter(const std::filesystem::path& directory, int64_t last_step);

  /// Adds what TensorBoard is to show for `step`: values of tensorboard_summary.h, one after
  /// another. What cannot be written is kept in memory, as in MetricsLog.
  void Write(int64_t step, std::string_view summary);
  /// Flushes what was written to the disk.
  void Sync() { file_.Sync(); }

 private:
  void WriteRecord(const std::string& event);

  AppendFile file_;
};

}  // namespace wavemt
