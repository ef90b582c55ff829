#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "support/append_file.h"

namespace wavemt {

/// Writes scalars as a TensorBoard event file: TFRecord framing around Event messages
/// (tensorflow/core/util/event.proto), of which this encodes the few fields that scalars need.
class TensorboardWriter {
 public:
  using Scalars = std::vector<std::pair<std::string, double>>;

  /// Begins a new event file in `directory`. With `last_step` > 0, it tells TensorBoard to forget
  /// what earlier files say of later steps.
  TensorboardWriter(const std::filesystem::path& directory, int64_t last_step);

  /// Adds points at `step`. What cannot be written is kept in memory, as in MetricsLog.
  void Write(int64_t step, const Scalars& scalars);
  /// Puts the points on the disk.
  void Sync() { file_.Sync(); }

 private:
  void WriteRecord(const std::string& event);

  AppendFile file_;
};

}  // namespace wavemt
