#include "support/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "support/error.h"
#include "support/progress.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

Error ReadFailure(const fs::path& path, int error_number) {
  if (error_number == ENOENT || error_number == ENOTDIR) {
    return UsageError("{}: no such file", path.string());
  }
  return UsageError("{}: cannot be read: {}", path.string(), std::strerror(error_number));
}

fs::path ParentOf(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

fs::path Unfinished(const fs::path& path) {
  return fmt::format("{}.{}{}", path.string(), getpid(), kUnfinishedSuffix);
}

void Rename(const fs::path& from, const fs::path& to) {
  if (rename(from.c_str(), to.c_str()) != 0) throw WriteFailure(to, errno);
  SyncDirectory(ParentOf(to));
}

// Where a folder stands aside until it is removed.
fs::path Discarded(const fs::path& path) {
  return fmt::format("{}.{}.old{}", path.string(), getpid(), kUnfinishedSuffix);
}

bool IsUnfinished(const fs::path& path) { return path.string().ends_with(kUnfinishedSuffix); }

FileDescriptor OpenForReading(const fs::path& path) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) throw ReadFailure(path, errno);
  return file;
}

}  // namespace

Error WriteFailure(const fs::path& path, int error_number) {
  std::error_code ignored;
  const fs::space_info space = fs::space(ParentOf(path), ignored);
  const std::string free_space =
      ignored ? ""
              : fmt::format(" ({} free there)", HumanBytes(static_cast<double>(space.available)));
  return Failure("{}: cannot be written: {}{}", path.string(), std::strerror(error_number),
                 free_space);
}

std::string ReadFile(const fs::path& path) {
  std::string contents;
  ReadInPieces(path, [&](std::string_view piece) { contents += piece; });
  return contents;
}

void ReadInPieces(const fs::path& path, const std::function<void(std::string_view)>& take) {
  const FileDescriptor descriptor = OpenForReading(path);
  struct stat info {};
  if (fstat(descriptor.value(), &info) != 0) throw ReadFailure(path, errno);
  if (S_ISDIR(info.st_mode)) {
    throw UsageError("{}: is a directory, a file is needed", path.string());
  }
  std::vector<char> buffer(1 << 18);
  while (true) {
    const ssize_t count = read(descriptor.value(), buffer.data(), buffer.size());
    if (count == 0) return;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw ReadFailure(path, errno);
    take(std::string_view(buffer.data(), static_cast<size_t>(count)));
  }
}

void ForgetCached(const fs::path& path) {
  const FileDescriptor descriptor = OpenForReading(path);
  posix_fadvise(descriptor.value(), 0, 0, POSIX_FADV_DONTNEED);
}

void RequireReadableFile(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw ReadFailure(path, error ? error.value() : ENOENT);
  if (fs::is_directory(status)) {
    throw UsageError("{}: is a directory, a file is needed", path.string());
  }
  if (access(path.c_str(), R_OK) != 0) throw ReadFailure(path, errno);
}

void WriteFileAtomically(const fs::path& path, std::string_view contents) {
  StagedFile file(path);
  file.Write(contents);
  file.Commit();
}

void SyncDirectory(const fs::path& path) {
  const FileDescriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) throw WriteFailure(path, errno);
  // Some network file systems do not know how to sync a folder and say so.
  if (fsync(folder.value()) != 0 && errno != EINVAL) throw WriteFailure(path, errno);
}

void MakeDirectories(const fs::path& path) {
  std::error_code ignored;
  if (path.empty() || fs::is_directory(path, ignored)) return;
  MakeDirectories(path.parent_path());
  // Somebody else may have been quicker.
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) throw WriteFailure(path, errno);
  SyncDirectory(ParentOf(path));
}

std::error_code RemoveDirectory(const fs::path& path) {
  const fs::path discarded = Discarded(path);
  std::error_code error;
  fs::remove_all(discarded, error);
  fs::rename(path, discarded, error);
  if (!error) fs::remove_all(discarded, error);
  return error;
}

OutputFile::OutputFile(fs::path path)
    : path_(std::move(path)),
      descriptor_(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
  if (!descriptor_.is_open()) throw WriteFailure(path_, errno);
}

void OutputFile::Write(const void* data, size_t size) {
  constexpr size_t kBufferBytes = 1 << 18;
  const std::string_view bytes(static_cast<const char*>(data), size);
  if (buffer_.size() + size > kBufferBytes) Flush();
  if (size > kBufferBytes) {
    WriteThrough(bytes);
  } else {
    buffer_ += bytes;
  }
  checksum_.Add(data, size);
  bytes_written_ += static_cast<int64_t>(size);
}

void OutputFile::Flush() {
  WriteThrough(buffer_);
  buffer_.clear();
}

void OutputFile::WriteThrough(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(descriptor_.value(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw WriteFailure(path_, errno);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void OutputFile::SyncAndClose() {
  Flush();
  const bool synced = fsync(descriptor_.value()) == 0;
  const int sync_error = errno;
  const bool closed = descriptor_.Close();
  if (!synced) throw WriteFailure(path_, sync_error);
  if (!closed) throw WriteFailure(path_, errno);
}

StagedFile::StagedFile(fs::path final_path)
    : final_path_(std::move(final_path)),
      staging_path_(Unfinished(final_path_)),
      file_(staging_path_) {}

StagedFile::~StagedFile() {
  if (!committed_) unlink(staging_path_.c_str());
}

void StagedFile::Commit() {
  file_.SyncAndClose();
  Rename(staging_path_, final_path_);
  committed_ = true;
}

StagedDirectory::StagedDirectory(fs::path final_path)
    : final_path_(std::move(final_path)), staging_path_(Unfinished(final_path_)) {
  std::error_code ignored;
  fs::remove_all(staging_path_, ignored);
  MakeDirectories(ParentOf(staging_path_));
  if (mkdir(staging_path_.c_str(), 0777) != 0) throw WriteFailure(staging_path_, errno);
}

StagedDirectory::~StagedDirectory() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(staging_path_, ignored);
}

void StagedDirectory::Commit() {
  SyncDirectory(staging_path_);
  Rename(staging_path_, final_path_);
  committed_ = true;
}

void StagedDirectory::Replace() {
  std::error_code ignored;
  if (!fs::exists(final_path_, ignored)) return Commit();
  SyncDirectory(staging_path_);
  const bool exchanged = renameat2(AT_FDCWD, staging_path_.c_str(), AT_FDCWD, final_path_.c_str(),
                                   RENAME_EXCHANGE) == 0;
  if (exchanged) {
    SyncDirectory(ParentOf(final_path_));
    committed_ = true;
    fs::remove_all(staging_path_, ignored);  // It holds the old folder now.
    return;
  }
  // A file system that cannot do it in one step.
  const fs::path discarded = Discarded(final_path_);
  fs::remove_all(discarded, ignored);
  Rename(final_path_, discarded);
  try {
    Commit();
  } catch (const Error&) {
    fs::rename(discarded, final_path_, ignored);
    throw;
  }
  fs::remove_all(discarded, ignored);
}

void RemoveUnfinished(const fs::path& directory) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    if (IsUnfinished(entry.path())) fs::remove_all(entry.path(), ignored);
  }
}

void RemoveUnfinishedOf(const fs::path& path) {
  // What Unfinished() and Discarded() put behind a name, and no more: a file beside it may have a
  // name that begins alike.
  const auto is_own = [&](std::string_view name) {
    if (!name.starts_with(path.filename().string() + ".")) return false;
    name.remove_prefix(path.filename().string().size() + 1);
    if (!name.ends_with(kUnfinishedSuffix)) return false;
    name.remove_suffix(kUnfinishedSuffix.size());
    if (name.ends_with(".old")) name.remove_suffix(4);
    return name.find_first_not_of("0123456789") == std::string_view::npos;
  };
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(ParentOf(path), ignored)) {
    if (is_own(entry.path().filename().string())) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace wavemt
