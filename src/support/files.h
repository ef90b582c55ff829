#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

#include "support/checksum.h"
#include "support/error.h"
#include "support/file_descriptor.h"

namespace wavemt {

/// The contents of a file, up to `max_bytes`. A usage error that names the file if it is missing,
/// unreadable or a directory; a Failure if the disk fails.
std::string ReadFile(const std::filesystem::path& path, size_t max_bytes = std::string::npos);

/// Passes the contents of a file to `take`, piece by piece. Errors as for ReadFile().
void ReadInPieces(const std::filesystem::path& path,
                  const std::function<void(std::string_view)>& take);

/// Whether `path` exists, is a regular file, or is a folder, following links. A usage error if the
/// system cannot tell: no permission, a name that is too long, or a cycle of links.
bool Exists(const std::filesystem::path& path);
bool IsFile(const std::filesystem::path& path);
bool IsFolder(const std::filesystem::path& path);

/// Drops the file from the system's cache, so that the next read comes from the disk. Has no effect
/// on data that has not been synced.
void ForgetCached(const std::filesystem::path& path);

/// A usage error unless `path` is a file that can be opened for reading.
void RequireReadableFile(const std::filesystem::path& path);

/// Throws a usage error if no file can be created at `path`, to report it before any work is done.
void RequireOutputFile(const std::filesystem::path& path);

/// Replaces the contents of `path`. Whenever the machine stops, the file holds either the old or
/// the new contents, never a mixture: temporary name, fsync, rename, fsync of the folder.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view contents);

/// A Failure to write to `path`, with the reason `error_number` (errno) and the free disk space.
Error WriteFailure(const std::filesystem::path& path, int error_number);

/// Flushes a folder's entries to the disk. A new or renamed file survives a power cut only once its
/// folder has been synced too.
void SyncDirectory(const std::filesystem::path& path);

/// Creates a folder and any missing parents, and syncs their entries.
void MakeDirectories(const std::filesystem::path& path);

/// Removes a folder and its contents. It is renamed first, so that a process killed meanwhile
/// leaves something that TidyUnfinished() removes, rather than an incomplete folder under its real
/// name.
std::error_code RemoveDirectory(const std::filesystem::path& path);

/// A new file, written sequentially through a buffer. Throws a WriteFailure() on any error.
class OutputFile {
 public:
  /// Creates the file, or truncates an existing one. Until SyncAndClose() returns, nothing is
  /// guaranteed to have been written.
  explicit OutputFile(std::filesystem::path path);

  void Write(const void* data, size_t size);
  void Write(std::string_view text) { Write(text.data(), text.size()); }
  void SyncAndClose();

  int64_t bytes_written() const { return bytes_written_; }
  const Crc32& checksum() const { return checksum_; }

 private:
  void WriteThrough(std::string_view bytes);
  void Flush();

  std::filesystem::path path_;
  std::string buffer_;
  FileDescriptor descriptor_;
  int64_t bytes_written_ = 0;
  Crc32 checksum_;
};

/// A file that appears complete or not at all. It is written under a temporary name in the same
/// folder; Commit() gives it its final name. Without Commit(), the destructor removes it.
class StagedFile {
 public:
  explicit StagedFile(std::filesystem::path final_path);
  ~StagedFile();
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  /// Where the file is until Commit().
  const std::filesystem::path& staging_path() const { return staging_path_; }

  void Write(std::string_view text) { file_.Write(text); }
  OutputFile& contents() { return file_; }
  /// Completes the file under its temporary name, so that all that can fail for lack of space has
  /// been done: several files that belong together are all synced before one is committed.
  void Sync();
  /// Syncs the file, unless that has been done, and gives it its final name.
  void Commit();

 private:
  std::filesystem::path final_path_;
  std::filesystem::path staging_path_;
  OutputFile file_;
  bool synced_ = false;
  bool committed_ = false;
};

/// A folder that appears complete or not at all. It is filled under a temporary name next to its
/// final one; Commit() syncs and renames it. Without Commit(), the destructor removes it.
class StagedDirectory {
 public:
  /// REQUIRES: `final_path` does not exist when Commit() is called.
  explicit StagedDirectory(std::filesystem::path final_path);
  ~StagedDirectory();
  StagedDirectory(const StagedDirectory&) = delete;
  StagedDirectory& operator=(const StagedDirectory&) = delete;

  /// Where to put the files until Commit().
  const std::filesystem::path& path() const { return staging_path_; }
  void Commit();
  /// Like Commit(), but replaces and removes an existing folder. The two are exchanged atomically
  /// if the file system supports that.
  void Replace();

 private:
  std::filesystem::path final_path_;
  std::filesystem::path staging_path_;
  bool committed_ = false;
};

/// The ending of the temporary names above. Without a process at work on it, a file or folder with
/// this ending was left over when its process was killed.
inline constexpr std::string_view kUnfinishedSuffix = ".unfinished";

/// Removes what killed processes left unfinished directly inside `directory`. Only files and
/// folders whose final names satisfy `is_ours` are touched, since other processes may be at work
/// there. Folders that were moved aside are restored, as by RestoreMovedAside().
void TidyUnfinished(const std::filesystem::path& directory,
                    const std::function<bool(std::string_view)>& is_ours);

/// The same for the file or folder `path` alone.
void TidyUnfinishedOf(const std::filesystem::path& path);

/// Undoes a StagedDirectory::Replace() that was killed halfway: if the old folder was moved aside
/// and `path` is now missing or an empty folder, gives the old one its name back. Removes nothing
/// else, so it is safe while other processes are at work.
void RestoreMovedAside(const std::filesystem::path& path);

}  // namespace wavemt
