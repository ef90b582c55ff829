// Intercepts a program's calls to the C library: counts those that touch a folder, and makes some
// of them fail or kills the process there, as planned (see fault_plan.h). It calls the kernel
// directly, so that nothing here depends on the functions it replaces.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "fault_plan.h"
#include "power_cut.h"

namespace file_faults {
namespace {

std::string TargetOf(const std::string& link) {
  char target[PATH_MAX];
  const long length = syscall(SYS_readlinkat, AT_FDCWD, link.c_str(), target, sizeof(target));
  return length > 0 ? std::string(target, static_cast<size_t>(length)) : "";
}

std::string PathOf(int descriptor) {
  return TargetOf("/proc/self/fd/" + std::to_string(descriptor));
}

std::string AbsolutePath(int folder, const char* path) {
  if (path == nullptr || *path == '/') return path == nullptr ? "" : path;
  const std::string base = folder == AT_FDCWD ? TargetOf("/proc/self/cwd") : PathOf(folder);
  return base + "/" + path;
}

[[noreturn]] void Die() {
  syscall(SYS_kill, getpid(), SIGKILL);
  while (true) pause();
}

// Kills or stops the process if the plan says so; other faults are left to the caller.
Decision DecideOrDie(std::string_view call, const std::string& path) {
  if (!IsWatched(path)) return {};
  const Decision decision = Decide(call, path);
  if (decision.fault == Fault::kPowerCut) LoseUnsynced();
  // To this thread, so that the signal has come before the call goes on.
  if (decision.fault == Fault::kStop) {
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGTERM);
  }
  const bool torn = decision.fault == Fault::kTorn && call != "write";
  if (decision.fault == Fault::kKill || decision.fault == Fault::kPowerCut || torn) Die();
  return decision;
}

bool IsFollowed(const std::string& path) { return PlansPowerCut() && IsWatched(path); }

int Fail(int error) {
  errno = error;
  return -1;
}

int Open(int folder, const char* name, int flags, mode_t mode) {
  const std::string path = AbsolutePath(folder, name);
  const bool creates = (flags & O_CREAT) != 0;
  const Decision decision = DecideOrDie(creates ? "create" : "open", path);
  if (decision.fault == Fault::kError) return Fail(decision.error);
  const bool is_new =
      creates && IsFollowed(path) && syscall(SYS_faccessat, folder, name, F_OK) != 0;
  const auto result = static_cast<int>(syscall(SYS_openat, folder, name, flags, mode));
  if (is_new && result >= 0) NoteCreated(path);
  return result;
}

ssize_t Write(int descriptor, const void* data, size_t size, const off_t* offset) {
  const auto write_bytes = [&](const void* bytes, size_t count) {
    return offset == nullptr ? syscall(SYS_write, descriptor, bytes, count)
                             : syscall(SYS_pwrite64, descriptor, bytes, count, *offset);
  };
  const std::string path = PathOf(descriptor);
  const Decision decision = DecideOrDie("write", path);
  if (decision.fault == Fault::kError) return Fail(decision.error);
  if (IsFollowed(path)) NoteWrite(descriptor, path);
  const size_t half = std::max<size_t>(size / 2, 1);
  switch (decision.fault) {
    case Fault::kTorn:
      write_bytes(data, size / 2);
      Die();
    case Fault::kShort:
      return write_bytes(data, std::min(half, size));
    case Fault::kFlip: {
      std::string changed(static_cast<const char*>(data), size);
      if (size > 0) changed[size / 2] ^= 1;
      return write_bytes(changed.data(), size);
    }
    default:
      return write_bytes(data, size);
  }
}

// Decides about `call` on the file behind a descriptor.
template <typename... Arguments>
int OnDescriptor(std::string_view call, long number, int descriptor, Arguments... arguments) {
  const std::string path = PathOf(descriptor);
  const Decision decision = DecideOrDie(call, path);
  // close() closes the descriptor even if it reports an error.
  if (decision.fault == Fault::kError && call != "close") return Fail(decision.error);
  const auto result = static_cast<int>(syscall(number, descriptor, arguments...));
  if (call == "fsync" && result == 0 && IsFollowed(path)) NoteSynced(path);
  if (decision.fault == Fault::kError) return Fail(decision.error);
  return result;
}

int Rename(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  const std::string old_path = AbsolutePath(from_folder, from);
  const std::string new_path = AbsolutePath(to_folder, to);
  const Decision decision = DecideOrDie("rename", new_path);
  if (decision.fault == Fault::kError) return Fail(decision.error);
  if (IsFollowed(new_path)) NoteRename(old_path, new_path, (flags & RENAME_EXCHANGE) != 0);
  return static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

int Unlink(int folder, const char* name, int flags) {
  const std::string path = AbsolutePath(folder, name);
  const Decision decision = DecideOrDie(flags == AT_REMOVEDIR ? "rmdir" : "unlink", path);
  if (decision.fault == Fault::kError) return Fail(decision.error);
  if (IsFollowed(path)) NoteRemoved(path);
  return static_cast<int>(syscall(SYS_unlinkat, folder, name, flags));
}

int MakeDirectory(int folder, const char* name, mode_t mode) {
  const std::string path = AbsolutePath(folder, name);
  const Decision decision = DecideOrDie("mkdir", path);
  if (decision.fault == Fault::kError) return Fail(decision.error);
  const auto result = static_cast<int>(syscall(SYS_mkdirat, folder, name, mode));
  if (result == 0 && IsFollowed(path)) NoteCreated(path);
  return result;
}

}  // namespace
}  // namespace file_faults

using namespace file_faults;  // NOLINT: the functions below are the C library's.

#define MODE_BEHIND(last)           \
  mode_t mode = 0;                  \
  va_list arguments;                \
  va_start(arguments, last);        \
  mode = va_arg(arguments, mode_t); \
  va_end(arguments)

extern "C" {

int open(const char* path, int flags, ...) {
  MODE_BEHIND(flags);
  return Open(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE_BEHIND(flags);
  return Open(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  MODE_BEHIND(flags);
  return Open(folder, path, flags, mode);
}
int openat64(int folder, const char* path, int flags, ...) {
  MODE_BEHIND(flags);
  return Open(folder, path, flags, mode);
}
int creat(const char* path, mode_t mode) {
  return Open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char* path, mode_t mode) {
  return Open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

ssize_t write(int descriptor, const void* data, size_t size) {
  return Write(descriptor, data, size, nullptr);
}
ssize_t pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  return Write(descriptor, data, size, &offset);
}
ssize_t pwrite64(int descriptor, const void* data, size_t size, off64_t offset) {
  return Write(descriptor, data, size, &offset);
}
ssize_t writev(int descriptor, const iovec* buffers, int count) {
  std::string joined;
  for (int i = 0; i < count; ++i) {
    joined.append(static_cast<const char*>(buffers[i].iov_base), buffers[i].iov_len);
  }
  return Write(descriptor, joined.data(), joined.size(), nullptr);
}

int fsync(int descriptor) { return OnDescriptor("fsync", SYS_fsync, descriptor); }
int fdatasync(int descriptor) { return OnDescriptor("fsync", SYS_fdatasync, descriptor); }
int ftruncate(int descriptor, off_t size) noexcept {
  return OnDescriptor("ftruncate", SYS_ftruncate, descriptor, size);
}
int ftruncate64(int descriptor, off64_t size) noexcept {
  return OnDescriptor("ftruncate", SYS_ftruncate, descriptor, size);
}
int close(int descriptor) { return OnDescriptor("close", SYS_close, descriptor); }

int rename(const char* from, const char* to) noexcept {
  return Rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return Rename(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  return Rename(from_folder, from, to_folder, to, flags);
}

int unlink(const char* path) noexcept { return Unlink(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char* path, int flags) noexcept {
  return Unlink(folder, path, flags);
}
int rmdir(const char* path) noexcept { return Unlink(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
  const int result = Unlink(AT_FDCWD, path, 0);
  return result != 0 && errno == EISDIR ? Unlink(AT_FDCWD, path, AT_REMOVEDIR) : result;
}
int mkdir(const char* path, mode_t mode) noexcept { return MakeDirectory(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return MakeDirectory(folder, path, mode);
}

}  // extern "C"
