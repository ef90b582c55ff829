#include "support/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "support/error.h"
#include "support/files.h"
#include "support/logging.h"
#include "support/progress.h"

namespace wavemt {

AppendFile::AppendFile(std::filesystem::path path, std::function<void()> prepare)
    : path_(std::move(path)), prepare_(std::move(prepare)) {
  WritePending();
}

AppendFile::~AppendFile() {
  if (!pending_.empty()) WritePending();
  if (!pending_.empty()) {
    spdlog::warn("{}: its last {} could not be written and are lost", path_.string(),
                 HumanBytes(static_cast<double>(pending_.size())));
  }
}

void AppendFile::Append(std::string_view record) {
  constexpr size_t kMaxPending = 64 << 20;
  if (pending_.size() + record.size() <= kMaxPending) pending_ += record;
  WritePending();
}

void AppendFile::Sync() {
  if (!descriptor_.is_open()) return;
  if (fdatasync(descriptor_.value()) != 0 && errno != EINVAL)
    Fail(WriteFailure(path_, errno).what());
}

void AppendFile::WritePending() {
  if (!descriptor_.is_open()) Open();
  if (!descriptor_.is_open()) return;
  const off_t size_before = lseek(descriptor_.value(), 0, SEEK_END);
  for (size_t written = 0; written < pending_.size();) {
    const ssize_t count =
        write(descriptor_.value(), pending_.data() + written, pending_.size() - written);
    if (count >= 0) {
      written += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      const Error failure = WriteFailure(path_, errno);
      // Readers never see an incomplete record, unless truncating fails as well.
      if (ftruncate(descriptor_.value(), size_before) != 0) pending_.erase(0, written);
      Fail(failure.what());
      return;
    }
  }
  pending_.clear();
  if (std::exchange(failing_, false)) {
    spdlog::info("{}: can be written again; the delayed records have been written", path_.string());
  }
}

void AppendFile::Open() {
  try {
    prepare_();
    descriptor_ =
        FileDescriptor(open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
    if (!descriptor_.is_open()) throw WriteFailure(path_, errno);
    SyncDirectory(path_.parent_path());
  } catch (const Error& error) {
    Fail(error.what());
  }
}

void AppendFile::Fail(std::string_view reason) {
  if (std::exchange(failing_, true)) return;
  spdlog::warn("{}; work continues, and the log is kept in memory until it can be written", reason);
}

}  // namespace wavemt
