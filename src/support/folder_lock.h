#pragma once

#include <filesystem>
#include <functional>

#include "support/file_descriptor.h"

namespace wavemt {

/// Held by a process that makes or replaces something in `folder`; another one waits meanwhile. It
/// is no file and ends with the process, however that ends. Does nothing on a file system that
/// knows no locks.
class FolderLock {
 public:
  /// `before_waiting` is called where another process holds the lock.
  explicit FolderLock(const std::filesystem::path& folder,
                      const std::function<void()>& before_waiting = {});

  bool held() const { return held_; }

 private:
  FileDescriptor folder_;
  bool held_ = false;
};

}  // namespace wavemt
