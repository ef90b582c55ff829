#include "support/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace wavemt {

FolderLock::FolderLock(const std::filesystem::path& folder,
                       const std::function<void()>& before_waiting)
    : folder_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (!folder_.is_open()) return;
  held_ = flock(folder_.value(), LOCK_EX | LOCK_NB) == 0;
  if (held_ || errno != EWOULDBLOCK) return;
  if (before_waiting) before_waiting();
  while (!held_) {
    held_ = flock(folder_.value(), LOCK_EX) == 0;
    if (!held_ && errno != EINTR) return;
  }
}

}  // namespace wavemt
