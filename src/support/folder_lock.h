#pragma once

#include <filesystem>
#include <functional>

#include "support/file_descriptor.h"

namespace wavemt {

/// An exclusive lock on a folder, held by a process while it creates or replaces something in it;
/// other processes wait. It leaves no file, and the system releases it when the process ends for
/// any reason. Has no effect on file systems without locks.
class FolderLock {
 public:
  /// `before_waiting` is called if another process holds the lock.
  explicit FolderLock(const std::filesystem::path& folder,
                      const std::function<void()>& before_waiting = {});

  bool held() const { return held_; }

 private:
  FileDescriptor folder_;
  bool held_ = false;
};

}  // namespace wavemt
