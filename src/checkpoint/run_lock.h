#pragma once

#include <filesystem>

#include "support/file_descriptor.h"

namespace wavemt {

/// What one process at a time holds while it writes a run. It ends with the process, however that
/// ends. The file `lock` in the run's folder names the process and goes away with the lock; after a
/// crash it stays, and means nothing.
class RunLock {
 public:
  /// A usage error that names the process where another one holds the lock. On a file system that
  /// knows no locks: a warning.
  explicit RunLock(const std::filesystem::path& run);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  bool TryToLock(const std::filesystem::path& run);

  FileDescriptor folder_;  // The lock goes where the folder goes when it is renamed.
  FileDescriptor file_;
};

}  // namespace wavemt
