#include "power_cut.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <vector>

namespace file_faults {
namespace {

struct NameChange {
  enum Kind { kCreated, kRenamed, kExchanged } kind;
  std::string from;  // kCreated: the path.
  std::string to;
  std::string kept;  // Another link to the file that had the name `to` before; "" if none did.
};

std::mutex mutex;
std::map<std::string, off_t> synced_sizes;  // For files with unsynced bytes.
std::vector<NameChange> name_changes;       // Not synced, oldest first.
int links_kept = 0;

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

// These call the kernel directly, so that they are not counted.
long RawUnlink(const std::string& path, int flags) {
  return syscall(SYS_unlinkat, AT_FDCWD, path.c_str(), flags);
}

long RawRename(const std::string& from, const std::string& to, unsigned flags) {
  return syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags);
}

std::string LinkTo(const std::string& path) {
  std::string kept = path + ".kept" + std::to_string(links_kept++);
  const long result = syscall(SYS_linkat, AT_FDCWD, path.c_str(), AT_FDCWD, kept.c_str(), 0);
  return result == 0 ? kept : "";
}

// Updates the paths of unsynced bytes after a file or its folder was renamed.
void MoveSizes(const std::string& from, const std::string& to) {
  std::map<std::string, off_t> moved;
  for (const auto& [path, size] : synced_sizes) {
    const bool inside = path == from || path.starts_with(from + "/");
    moved[inside ? to + path.substr(from.size()) : path] = size;
  }
  synced_sizes = std::move(moved);
}

}  // namespace

void NoteCreated(const std::string& path) {
  const std::lock_guard lock(mutex);
  name_changes.push_back({NameChange::kCreated, path, "", ""});
}

void NoteWrite(int descriptor, const std::string& path) {
  const std::lock_guard lock(mutex);
  struct stat info {};
  if (synced_sizes.contains(path) || fstat(descriptor, &info) != 0) return;
  synced_sizes[path] = info.st_size;
}

void NoteSynced(const std::string& path) {
  const std::lock_guard lock(mutex);
  synced_sizes.erase(path);
  std::erase_if(name_changes, [&](const NameChange& change) {
    const bool safe =
        FolderOf(change.kind == NameChange::kCreated ? change.from : change.to) == path;
    if (safe && !change.kept.empty()) RawUnlink(change.kept, 0);
    return safe;
  });
}

void NoteRename(const std::string& from, const std::string& to, bool exchange) {
  const std::lock_guard lock(mutex);
  if (exchange) {
    name_changes.push_back({NameChange::kExchanged, from, to, ""});
    return;
  }
  name_changes.push_back({NameChange::kRenamed, from, to, LinkTo(to)});
  MoveSizes(from, to);
}

void NoteRemoved(const std::string& path) {
  const std::lock_guard lock(mutex);
  synced_sizes.erase(path);
  std::erase_if(name_changes, [&](const NameChange& change) {
    return change.kind == NameChange::kCreated && change.from == path;
  });
}

void LoseUnsynced() {
  const std::lock_guard lock(mutex);
  for (const auto& [path, size] : synced_sizes) {
    const long file = syscall(SYS_openat, AT_FDCWD, path.c_str(), O_WRONLY | O_CLOEXEC, 0);
    if (file < 0) continue;
    syscall(SYS_ftruncate, file, size);
    syscall(SYS_close, file);
  }
  for (auto change = name_changes.rbegin(); change != name_changes.rend(); ++change) {
    switch (change->kind) {
      case NameChange::kCreated:
        if (RawUnlink(change->from, 0) != 0) RawUnlink(change->from, AT_REMOVEDIR);
        break;
      case NameChange::kRenamed:
        RawRename(change->to, change->from, 0);
        if (!change->kept.empty()) RawRename(change->kept, change->to, 0);
        break;
      case NameChange::kExchanged:
        RawRename(change->to, change->from, RENAME_EXCHANGE);
        break;
    }
  }
}

}  // namespace file_faults
