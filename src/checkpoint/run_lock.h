#pragma once

#include <filesystem>

#include "support/file_descriptor.h"

namespace wavemt {

/// An exclusive lock on a run, held by the process that writes it. The system releases it when the
/// process ends for any reason. The file `lock` in the run's folder names the process and is
/// removed with the lock; after a crash it stays behind, without effect.
class RunLock {
 public:
  /// Throws a usage error that names the process holding the lock, if there is one. On a file
  /// system without locks, only warns.
  explicit RunLock(const std::filesystem::path& run);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  bool TryToLock(const std::filesystem::path& run);

  FileDescriptor folder_;  // Stays valid if the folder is renamed.
  FileDescriptor file_;
};

}  // namespace wavemt
