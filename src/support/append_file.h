#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "support/file_descriptor.h"

namespace wavemt {

/// A log to which whole records are appended, each seen by readers at once. A record that cannot be
/// written (disk full) is kept and written as soon as that is possible again, so that a long run
/// goes on and its log has no hole; one warning when it fails, one message when it works again.
class AppendFile {
 public:
  /// The file is opened with the first record. `prepare` is called before that, again and again
  /// until it throws no Error.
  explicit AppendFile(
      std::filesystem::path path, std::function<void()> prepare = [] {});
  /// Says how much was lost, if anything was.
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void Append(std::string_view record);
  /// Puts what was appended on the disk.
  void Sync();

 private:
  void WritePending();
  void Open();
  // The one warning.
  void Fail(std::string_view reason);

  std::filesystem::path path_;
  std::function<void()> prepare_;
  FileDescriptor descriptor_;
  std::string pending_;  // Not written yet.
  bool failing_ = false;
};

}  // namespace wavemt
