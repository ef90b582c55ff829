#include "support/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
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
  const std::string text =
      fmt::format("{}: cannot be read: {}", path.string(), std::strerror(error_number));
  // These errors depend on the path that the user gave; all others are the machine's.
  constexpr int kPathErrors[] = {EACCES, EPERM, EISDIR, ELOOP, ENAMETOOLONG, ENXIO, ENODEV, EINVAL};
  const bool is_usage = std::ranges::find(kPathErrors, error_number) != std::end(kPathErrors);
  return is_usage ? UsageError("{}", text) : Failure("{}", text);
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

// What comes between the process id and kUnfinishedSuffix in the name of a folder moved aside.
constexpr std::string_view kAside = ".old";        // Complete, until a new folder replaces it.
constexpr std::string_view kRemoved = ".removed";  // Being removed.

fs::path AsideName(const fs::path& path, std::string_view purpose) {
  return fmt::format("{}.{}{}{}", path.string(), getpid(), purpose, kUnfinishedSuffix);
}

bool RemoveSuffix(std::string_view* text, std::string_view suffix) {
  if (!text->ends_with(suffix)) return false;
  text->remove_suffix(suffix.size());
  return true;
}

// A file or folder with a name from Unfinished() or AsideName().
struct Leftover {
  fs::path path;
  fs::path final_path;
  bool moved_aside = false;
};

std::optional<Leftover> LeftoverOf(const fs::path& path) {
  const std::string filename = path.filename().string();
  std::string_view name = filename;
  if (!RemoveSuffix(&name, kUnfinishedSuffix)) return std::nullopt;
  const bool moved_aside = RemoveSuffix(&name, kAside);
  if (!moved_aside) RemoveSuffix(&name, kRemoved);
  const size_t before_id = name.find_last_not_of("0123456789");
  if (before_id == std::string_view::npos || name[before_id] != '.' ||
      before_id + 1 == name.size()) {
    return std::nullopt;
  }
  name = name.substr(0, before_id);
  return Leftover{
      .path = path, .final_path = path.parent_path() / name, .moved_aside = moved_aside};
}

std::function<bool(std::string_view)> HasName(const fs::path& path) {
  return [name = path.filename().string()](std::string_view found) { return found == name; };
}

// The leftovers in `directory` whose final names satisfy `is_ours`.
std::vector<Leftover> LeftoversIn(const fs::path& directory,
                                  const std::function<bool(std::string_view)>& is_ours) {
  std::vector<Leftover> leftovers;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    auto leftover = LeftoverOf(entry.path());
    if (leftover && is_ours(leftover->final_path.filename().string())) {
      leftovers.push_back(*std::move(leftover));
    }
  }
  return leftovers;
}

// Whether this is a folder that was moved aside and never replaced: nothing, or an empty folder,
// has its final name.
bool IsNeeded(const Leftover& leftover) {
  if (!leftover.moved_aside) return false;
  std::error_code ignored;
  const fs::file_type found = fs::symlink_status(leftover.final_path, ignored).type();
  return found == fs::file_type::not_found ||
         (found == fs::file_type::directory && fs::is_empty(leftover.final_path, ignored));
}

// If this fails, the folder keeps its temporary name and can be restored later.
void Restore(const Leftover& leftover) {
  std::error_code ignored;
  fs::rename(leftover.path, leftover.final_path, ignored);
}

// Reads until `take` returns false.
void ReadWhile(const fs::path& path, const std::function<bool(std::string_view)>& take);

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

std::string ReadFile(const fs::path& path, size_t max_bytes) {
  std::string contents;
  ReadWhile(path, [&](std::string_view piece) {
    contents += piece.substr(0, max_bytes - contents.size());
    return contents.size() < max_bytes;
  });
  return contents;
}

void ReadInPieces(const fs::path& path, const std::function<void(std::string_view)>& take) {
  ReadWhile(path, [&](std::string_view piece) {
    take(piece);
    return true;
  });
}

namespace {

void ReadWhile(const fs::path& path, const std::function<bool(std::string_view)>& take) {
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
    if (!take(std::string_view(buffer.data(), static_cast<size_t>(count)))) return;
  }
}

fs::file_status FileStatusOf(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error && status.type() != fs::file_type::not_found) throw ReadFailure(path, error.value());
  return status;
}

}  // namespace

bool Exists(const fs::path& path) { return fs::exists(FileStatusOf(path)); }

bool IsFile(const fs::path& path) { return fs::is_regular_file(FileStatusOf(path)); }

bool IsFolder(const fs::path& path) { return fs::is_directory(FileStatusOf(path)); }

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

void RequireOutputFile(const fs::path& path) {
  if (path.empty()) throw UsageError("--output: is empty; name a file to write");
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    throw UsageError("{}: is a directory; name a file to write", path.string());
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, ignored)) {
    throw UsageError("{}: cannot be written: {} is not a folder", path.string(), folder.string());
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw UsageError("{}: cannot be written: {}", path.string(), std::strerror(errno));
  }
}

void WriteFileAtomically(const fs::path& path, std::string_view contents) {
  StagedFile file(path);
  file.Write(contents);
  file.Commit();
}

void SyncDirectory(const fs::path& path) {
  const FileDescriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) throw WriteFailure(path, errno);
  // Some network file systems cannot sync a folder and return EINVAL.
  if (fsync(folder.value()) != 0 && errno != EINVAL) throw WriteFailure(path, errno);
}

void MakeDirectories(const fs::path& path) {
  std::error_code ignored;
  if (path.empty() || fs::is_directory(path, ignored)) return;
  MakeDirectories(path.parent_path());
  // Another process may have created it meanwhile.
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) throw WriteFailure(path, errno);
  SyncDirectory(ParentOf(path));
}

std::error_code RemoveDirectory(const fs::path& path) {
  const fs::path discarded = AsideName(path, kRemoved);
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

void StagedFile::Sync() {
  if (synced_) return;
  file_.SyncAndClose();
  synced_ = true;
}

void StagedFile::Commit() {
  Sync();
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
    fs::remove_all(staging_path_, ignored);  // The old folder, after the exchange.
    return;
  }
  // The file system cannot exchange two folders atomically.
  const fs::path aside = AsideName(final_path_, kAside);
  fs::remove_all(aside, ignored);
  Rename(final_path_, aside);
  try {
    Commit();
  } catch (const Error&) {
    fs::rename(aside, final_path_, ignored);
    throw;
  }
  fs::remove_all(aside, ignored);
}

void TidyUnfinished(const fs::path& directory,
                    const std::function<bool(std::string_view)>& is_ours) {
  std::error_code ignored;
  for (const Leftover& leftover : LeftoversIn(directory, is_ours)) {
    if (IsNeeded(leftover)) {
      Restore(leftover);
    } else {
      fs::remove_all(leftover.path, ignored);
    }
  }
}

void RestoreMovedAside(const fs::path& path) {
  for (const Leftover& leftover : LeftoversIn(ParentOf(path), HasName(path))) {
    if (IsNeeded(leftover)) Restore(leftover);
  }
}

void TidyUnfinishedOf(const fs::path& path) { TidyUnfinished(ParentOf(path), HasName(path)); }

}  // namespace wavemt
