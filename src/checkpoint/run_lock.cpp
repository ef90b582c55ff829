#include "checkpoint/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "support/error.h"
#include "support/files.h"
#include "support/host_name.h"
#include "support/logging.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

constexpr const char* kLockFile = "lock";

// "process 123", or "process 123 on node7" if that is another machine.
std::string HolderOf(int file) {
  char text[512] = "";
  const ssize_t size = pread(file, text, sizeof(text) - 1, 0);
  const std::string line(text, size > 0 ? static_cast<size_t>(size) : 0);
  const size_t space = line.find(' ');
  const size_t end = line.find('\n');
  if (space == std::string::npos || end == std::string::npos) return "another process";
  const std::string host = line.substr(space + 1, end - space - 1);
  const std::string process = "process " + line.substr(0, space);
  return host == HostName() ? process : process + " on " + host;
}

// Whether the name still refers to the open file. The previous holder may have removed it between
// opening and locking.
bool IsFileNamed(int folder, const char* name, int file) {
  struct stat named {};
  struct stat opened {};
  return fstatat(folder, name, &named, 0) == 0 && fstat(file, &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

}  // namespace

RunLock::RunLock(const fs::path& run)
    : folder_(open(run.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (!folder_.is_open()) throw WriteFailure(run / kLockFile, errno);
  while (!TryToLock(run)) {
  }
}

bool RunLock::TryToLock(const fs::path& run) {
  file_ = FileDescriptor(openat(folder_.value(), kLockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!file_.is_open()) throw WriteFailure(run / kLockFile, errno);
  if (flock(file_.value(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      throw UsageError("{}: is being trained by {}; wait for it to finish or stop it first",
                       run.string(), HolderOf(file_.value()));
    }
    spdlog::warn("{}: cannot be locked: {}; do not train this run in two processes at once",
                 run.string(), std::strerror(errno));
    return true;
  }
  if (!IsFileNamed(folder_.value(), kLockFile, file_.value())) return false;
  // The text is only informative: the lock is valid without it.
  const std::string text = fmt::format("{} {}\n", getpid(), HostName());
  const bool written =
      ftruncate(file_.value(), 0) == 0 &&
      pwrite(file_.value(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!written) spdlog::debug("{}: {}", (run / kLockFile).string(), std::strerror(errno));
  return true;
}

RunLock::~RunLock() {
  // Removed while still locked: a process that has opened it notices that the name is gone.
  unlinkat(folder_.value(), kLockFile, 0);
}

}  // namespace wavemt
