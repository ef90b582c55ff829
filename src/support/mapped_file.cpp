#include "support/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <utility>

#include "support/error.h"

namespace wavemt {
namespace {

Error CannotBeRead(const std::filesystem::path& path, int error_number) {
  return Failure("{}: cannot be read: {}", path.string(), std::strerror(error_number));
}

// The message for a mapping one of whose pages cannot be read. Static, because a signal handler can
// only access static variables.
struct Guard {
  std::atomic<const char*> begin = nullptr;  // Null: unused.
  std::atomic<size_t> size = 0;
  std::array<char, 1024> message{};
};
std::array<Guard, 8> guards;
struct sigaction action_before {};

extern "C" void AnswerBusError(int signal, siginfo_t* info, void*) {
  const auto* address = static_cast<const char*>(info->si_addr);
  for (const Guard& guard : guards) {
    const char* begin = guard.begin;
    if (begin == nullptr || address < begin || address >= begin + guard.size) continue;
    const ssize_t ignored =
        write(STDERR_FILENO, guard.message.data(), std::strlen(guard.message.data()));
    static_cast<void>(ignored);
    _exit(1);
  }
  // Not one of our mappings: restore the previous handler. It runs when the faulting instruction is
  // retried, or at once if another process sent the signal.
  sigaction(signal, &action_before, nullptr);
  if (info->si_code <= 0) raise(signal);
}

void InstallHandler() {
  static std::once_flag installed;
  std::call_once(installed, [] {
    struct sigaction action {};
    action.sa_sigaction = AnswerBusError;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &action_before);
  });
}

std::mutex& GuardMutex() {
  static std::mutex mutex;
  return mutex;
}

// If all guards are in use, the mapping still works, but without the message.
void AddGuard(std::span<const char> bytes, const std::filesystem::path& path) {
  InstallHandler();
  const std::lock_guard lock(GuardMutex());
  const auto free = std::find_if(guards.begin(), guards.end(),
                                 [](const Guard& guard) { return guard.begin == nullptr; });
  if (free == guards.end()) return;
  std::string message = fmt::format(
      "error: {}: can no longer be read: the disk failed, or another program truncated the file\n",
      path.string());
  message.resize(std::min(message.size(), free->message.size() - 1));
  std::copy_n(message.c_str(), message.size() + 1, free->message.begin());
  free->size = bytes.size();
  free->begin = bytes.data();
}

void RemoveGuard(std::span<const char> bytes) {
  const std::lock_guard lock(GuardMutex());
  for (Guard& guard : guards) {
    if (guard.begin == bytes.data()) guard.begin = nullptr;
  }
}

}  // namespace

MappedFile::MappedFile(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (!descriptor_.is_open()) throw CannotBeRead(path_, errno);
  struct stat status {};
  if (fstat(descriptor_.value(), &status) != 0) throw CannotBeRead(path_, errno);
  if (!S_ISREG(status.st_mode)) throw Failure("{}: is not a file", path_.string());
  if (status.st_size == 0) return;
  const auto size = static_cast<size_t>(status.st_size);
  void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor_.value(), 0);
  if (address == MAP_FAILED) {
    throw Failure("{}: cannot be mapped into memory: {}", path_.string(), std::strerror(errno));
  }
  // No read-ahead: access is random.
  madvise(address, size, MADV_RANDOM);
  bytes_ = {static_cast<const char*>(address), size};
  AddGuard(bytes_, path_);
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  RemoveGuard(bytes_);
  munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

void MappedFile::Read(uint64_t offset, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count =
        pread(descriptor_.value(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw CannotBeRead(path_, errno);
    if (count == 0) throw Failure("{}: was truncated while it was read", path_.string());
    offset += static_cast<uint64_t>(count);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

void MappedFile::Release() const {
  if (bytes_.empty()) return;
  madvise(const_cast<char*>(bytes_.data()), bytes_.size(), MADV_DONTNEED);
}

}  // namespace wavemt
