#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "support/append_file.h"

namespace wavemt {

/// Writes scalars as a TensorBoard event file: TFRecord framing around Event messages
/// (tensorflow/core/util/event.proto). Encodes only the fields that scalars need.
class TensorboardWriter {
 public:
  using Scalars = std::vector<std::pair<std::string, double>>;

  /// Starts a new event file in `directory`. If `last_step` > 0, it tells TensorBoard to ignore
  /// later steps in earlier files.
  TensorboardWriter(const std::filesystem::path& directory, int64_t last_step);

  /// Adds the values of `step`. Values that cannot be written are kept in memory, as in MetricsLog.
  void Write(int64_t step, const Scalars& scalars);
  /// Flushes the values to the disk.
  void Sync() { file_.Sync(); }

 private:
  void WriteRecord(const std::string& event);

  AppendFile file_;
};

}  // namespace wavemt
