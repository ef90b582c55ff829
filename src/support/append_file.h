#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "support/file_descriptor.h"

namespace wavemt {

/// A log file. Records are appended whole and are visible to readers immediately. A record that
/// cannot be written (disk full) is kept in memory, up to 64 MiB in all, and written once writing
/// works again, so that a long run continues and its log has no gaps. Logs one warning when writing
/// starts to fail and one message when it works again.
class AppendFile {
 public:
  /// Opens the file, creating it if necessary. `prepare` is called before each attempt to open it;
  /// if either fails with an Error, the next Append() tries again.
  explicit AppendFile(
      std::filesystem::path path, std::function<void()> prepare = [] {});
  /// Warns if some records could not be written and are lost.
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void Append(std::string_view record);
  /// Flushes what was appended to the disk (fdatasync).
  void Sync();

 private:
  void WritePending();
  void Open();
  // Warns, unless writing was failing already.
  void Fail(std::string_view reason);

  std::filesystem::path path_;
  std::function<void()> prepare_;
  FileDescriptor descriptor_;
  std::string pending_;  // Not written yet.
  bool failing_ = false;
};

}  // namespace wavemt
