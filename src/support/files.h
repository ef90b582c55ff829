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

/// The whole file as bytes, or its first `at_most`. A missing or unreadable file, or a directory in
/// its place, is a usage error that names it; a disk that fails is a Failure.
std::string ReadFile(const std::filesystem::path& path, size_t at_most = std::string::npos);

/// Gives `take` the whole file, a piece at a time. Errors as of ReadFile().
void ReadInPieces(const std::filesystem::path& path,
                  const std::function<void(std::string_view)>& take);

/// Whether anything, a file or a folder stands at `path`, links followed. A usage error where the
/// system does not tell: no permission, a name that is too long, links that go in circles.
bool Exists(const std::filesystem::path& path);
bool IsFile(const std::filesystem::path& path);
bool IsFolder(const std::filesystem::path& path);

/// Lets the system forget the file's bytes in memory: who reads it next reads the disk. The bytes
/// must have been synced, or nothing happens.
void ForgetCached(const std::filesystem::path& path);

/// A usage error unless `path` is a file that can be opened for reading.
void RequireReadableFile(const std::filesystem::path& path);

/// Replaces `path` by `contents`. Whenever the machine stops, the file holds the old bytes or the
/// new ones, never a mixture: temporary name, fsync, rename, fsync of the folder.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view contents);

/// The Failure of a call that returned `error_number`: names the file, the reason and the space
/// left.
Error WriteFailure(const std::filesystem::path& path, int error_number);

/// Puts the names in a folder on the disk: a file or folder only survives a power cut once the
/// folder that it is in was synced as well.
void SyncDirectory(const std::filesystem::path& path);

/// Makes a folder and those above it, as far as they are missing, and syncs their names.
void MakeDirectories(const std::filesystem::path& path);

/// Removes a folder with all that is in it. It loses its name first, so that a process that is
/// killed here leaves something that TidyUnfinished() takes away, and no half of a folder.
std::error_code RemoveDirectory(const std::filesystem::path& path);

/// A new file, written from start to end. Small pieces are written together. Each failing call
/// throws a WriteFailure().
class OutputFile {
 public:
  /// Creates the file, or empties it if it is there. Without SyncAndClose() there is no promise
  /// that anything was written.
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

/// A file that is whole or not there: written piece by piece under a temporary name beside its
/// final one, which Commit() gives it. Without a Commit() the destructor removes what was written.
class StagedFile {
 public:
  explicit StagedFile(std::filesystem::path final_path);
  ~StagedFile();
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  void Write(std::string_view text) { file_.Write(text); }
  OutputFile& contents() { return file_; }
  /// Syncs and renames.
  void Commit();

 private:
  std::filesystem::path final_path_;
  std::filesystem::path staging_path_;
  OutputFile file_;
  bool committed_ = false;
};

/// A folder that is whole or not there. It is filled under a temporary name beside its final one;
/// Commit() syncs and renames it. Without a Commit() the destructor removes what was written.
class StagedDirectory {
 public:
  /// REQUIRES: nothing stands at `final_path` when Commit() is called.
  explicit StagedDirectory(std::filesystem::path final_path);
  ~StagedDirectory();
  StagedDirectory(const StagedDirectory&) = delete;
  StagedDirectory& operator=(const StagedDirectory&) = delete;

  /// Where to put the files until Commit().
  const std::filesystem::path& path() const { return staging_path_; }
  void Commit();
  /// As Commit(), but a folder may stand there. It is removed when the new one has its place; the
  /// two change places in one step where the file system can do that.
  void Replace();

 private:
  std::filesystem::path final_path_;
  std::filesystem::path staging_path_;
  bool committed_ = false;
};

/// Names with this ending are unfinished work of a StagedFile or StagedDirectory: left behind by a
/// process that was killed, and of no use to anyone.
inline constexpr std::string_view kUnfinishedSuffix = ".unfinished";

/// Removes what a killed process left unfinished directly inside `directory`, of those files and
/// folders whose names `is_ours` knows: another process may have work of its own under way there. A
/// folder that stood aside for a new one which never came gets its name back, as of
/// RestoreStoodAside().
void TidyUnfinished(const std::filesystem::path& directory,
                    const std::function<bool(std::string_view)>& is_ours);

/// The same for the file or folder `path` alone.
void TidyUnfinishedOf(const std::filesystem::path& path);

/// Gives `path` back the folder that stood aside for a new one which never came, if nothing or an
/// empty folder has its name now. It removes nothing else, and harms nobody's unfinished work.
void RestoreStoodAside(const std::filesystem::path& path);

}  // namespace wavemt
