#include "support/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "support/error.h"
#include "support/progress.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

Error WriteFailure(const fs::path& path, int error_number) {
  std::error_code ignored;
  const fs::space_info space = fs::space(path.parent_path(), ignored);
  const std::string free_space =
      ignored ? ""
              : fmt::format(" ({} free there)", HumanBytes(static_cast<double>(space.available)));
  return Failure("{}: cannot be written: {}{}", path.string(), std::strerror(error_number),
                 free_space);
}

Error ReadFailure(const fs::path& path, int error_number) {
  if (error_number == ENOENT || error_number == ENOTDIR) {
    return UsageError("{}: no such file", path.string());
  }
  return UsageError("{}: cannot be read: {}", path.string(), std::strerror(error_number));
}

// A new name only survives a power cut once its folder is on the disk as well.
void SyncDirectory(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw WriteFailure(path, errno);
  const int result = fsync(descriptor);
  const int error_number = errno;
  close(descriptor);
  // Some network file systems do not know how to sync a folder and say so.
  if (result != 0 && error_number != EINVAL) throw WriteFailure(path, error_number);
}

fs::path ParentOf(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

fs::path Unfinished(const fs::path& path) {
  return path.string() + "." + std::to_string(getpid()) + std::string(kUnfinishedSuffix);
}

void Rename(const fs::path& from, const fs::path& to) {
  if (rename(from.c_str(), to.c_str()) != 0) throw WriteFailure(to, errno);
  SyncDirectory(ParentOf(to));
}

// Open file descriptor that closes itself.
class InputDescriptor {
 public:
  explicit InputDescriptor(const fs::path& path)
      : value_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (value_ < 0) throw ReadFailure(path, errno);
  }
  ~InputDescriptor() { close(value_); }
  InputDescriptor(const InputDescriptor&) = delete;
  InputDescriptor& operator=(const InputDescriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

}  // namespace

std::string ReadFile(const fs::path& path) {
  const InputDescriptor descriptor(path);
  struct stat info {};
  if (fstat(descriptor.value(), &info) != 0) throw ReadFailure(path, errno);
  if (S_ISDIR(info.st_mode)) {
    throw UsageError("{}: is a directory, a file is needed", path.string());
  }
  std::string contents;
  contents.reserve(static_cast<size_t>(std::max<off_t>(info.st_size, 0)));
  char buffer[1 << 16];
  while (true) {
    const ssize_t count = read(descriptor.value(), buffer, sizeof(buffer));
    if (count == 0) return contents;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw ReadFailure(path, errno);
    contents.append(buffer, static_cast<size_t>(count));
  }
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

OutputFile::OutputFile(fs::path path)
    : path_(std::move(path)),
      descriptor_(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw WriteFailure(path_, errno);
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void OutputFile::Write(const void* data, size_t size) {
  const char* next = static_cast<const char*>(data);
  for (size_t left = size; left > 0;) {
    const ssize_t count = write(descriptor_, next, left);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw WriteFailure(path_, errno);
    next += count;
    left -= static_cast<size_t>(count);
  }
  checksum_.Add(data, size);
  bytes_written_ += static_cast<int64_t>(size);
}

void OutputFile::SyncAndClose() {
  const bool synced = fsync(descriptor_) == 0;
  const int sync_error = errno;
  const bool closed = close(std::exchange(descriptor_, -1)) == 0;
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
  std::error_code error;
  fs::remove_all(staging_path_, error);
  fs::create_directories(staging_path_, error);
  if (error) throw WriteFailure(staging_path_, error.value());
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

void RemoveUnfinished(const fs::path& directory) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    if (entry.path().string().ends_with(kUnfinishedSuffix)) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace wavemt
