#include "support/input_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "support/decompressor.h"
#include "support/error.h"
#include "support/files.h"

namespace wavemt {
namespace {

constexpr size_t kBufferSize = 1 << 16;

struct stat StatusOf(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) status = {};
  return status;
}

bool IsSameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool IsUnchanged(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// Waits until there is something to read, at most until `deadline`; nothing: without limit.
bool WaitForInput(int descriptor, std::optional<InputFile::Time> deadline) {
  while (true) {
    int timeout = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          *deadline - std::chrono::steady_clock::now());
      timeout = static_cast<int>(std::max<int64_t>(left.count(), 0));
    }
    pollfd waiting{.fd = descriptor, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, timeout);
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace

class InputFile::Descriptor {
 public:
  Descriptor(int value, bool is_own) : value_(value), is_own_(is_own), at_start_(StatusOf(value)) {}
  ~Descriptor() {
    if (is_own_) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int value() const { return value_; }
  bool is_own() const { return is_own_; }
  bool is_regular() const { return S_ISREG(at_start_.st_mode); }
  const struct stat& at_start() const { return at_start_; }

 private:
  int value_;
  bool is_own_;
  struct stat at_start_;
};

InputFile::InputFile(std::filesystem::path name, std::unique_ptr<Descriptor> descriptor)
    : path_(std::move(name)), descriptor_(std::move(descriptor)), buffer_(kBufferSize) {}

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)), buffer_(kBufferSize) {
  RequireReadableFile(path_);
  const int value = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (value < 0) throw UsageError("{}: cannot be read: {}", path_.string(), std::strerror(errno));
  descriptor_ = std::make_unique<Descriptor>(value, /*is_own=*/true);
}

InputFile InputFile::StandardInput() {
  return {"standard input", std::make_unique<Descriptor>(STDIN_FILENO, /*is_own=*/false)};
}

InputFile::~InputFile() = default;
InputFile::InputFile(InputFile&&) noexcept = default;

bool InputFile::is_file() const { return descriptor_->is_own() && descriptor_->is_regular(); }

void InputFile::RequireUnchanged(bool at_end, int64_t line_number) const {
  if (!descriptor_->is_regular()) return;
  const struct stat& at_start = descriptor_->at_start();
  bool unchanged = IsUnchanged(at_start, StatusOf(descriptor_->value()));
  struct stat at_path {};
  // If the file was removed and not replaced, its contents are still complete.
  if (at_end && descriptor_->is_own() && stat(path_.c_str(), &at_path) == 0) {
    unchanged = unchanged && IsSameFile(at_start, at_path);
  }
  if (unchanged) return;
  throw UsageError(
      "{}: after line {}: the file was changed while it was read; start again once nothing writes "
      "to it",
      path_.string(), line_number);
}

// Adds the next bytes of the file to packed_. False at its end.
bool InputFile::Fill(int64_t line_number) {
  if (ended_) return false;
  if (!packed_.empty()) std::memmove(buffer_.data(), packed_.data(), packed_.size());
  char* const end = buffer_.data() + packed_.size();
  ssize_t count = 0;
  while ((count = read(descriptor_->value(), end, kBufferSize - packed_.size())) < 0) {
    if (errno == EAGAIN) {
      WaitForInput(descriptor_->value(), /*deadline=*/std::nullopt);
    } else if (errno != EINTR) {
      throw UsageError("{}: after line {}: cannot be read: {}", path_.string(), line_number,
                       std::strerror(errno));
    }
  }
  RequireUnchanged(/*at_end=*/count == 0, line_number);
  packed_ = {buffer_.data(), packed_.size() + static_cast<size_t>(count)};
  bytes_read_ += count;
  ended_ = count == 0;
  return count > 0;
}

// Determines from the first bytes whether the file is compressed. Returns false if too few bytes
// have arrived to tell.
bool InputFile::Detect(std::optional<Time> deadline, int64_t line_number) {
  FormatGuess guess = GuessFormat(packed_);
  while (guess.may_become_one && !ended_) {
    if (deadline && !WaitForInput(descriptor_->value(), *deadline)) return false;
    Fill(line_number);
    guess = GuessFormat(packed_);
  }
  format_ = guess.format;
  if (format_ == nullptr) RequireNotTruncated();
  if (format_ != nullptr) decompressor_ = format_->make();
  detected_ = true;
  return true;
}

// A plain text file may have any name and may be empty. But if its name says that it is compressed
// and it holds only the first bytes of the format or begins with zeros, it was cut short or never
// reached the disk.
void InputFile::RequireNotTruncated() const {
  const std::string extension = path_.extension();
  std::string remains;
  if (ended_ && FormatOfTruncated(packed_, extension) != nullptr) {
    remains = packed_.empty() ? "none of its bytes are left"
                              : fmt::format("it ends after byte {}", packed_.size());
  } else if (packed_.starts_with('\0') && FormatOfExtension(extension) != nullptr) {
    remains = "it begins with zeros";
  }
  if (remains.empty()) return;
  throw UsageError("{}: the compressed data is damaged or cut short ({})", path_.string(), remains);
}

// Begins a member after the first. Returns false at the end of the file.
bool InputFile::BeginNextMember(int64_t line_number) {
  if (packed_.empty() && !Fill(line_number)) return false;
  while (GuessFormat(packed_).may_become_one && Fill(line_number)) {
  }
  if (GuessFormat(packed_).format != format_) {
    throw UsageError(
        "{}: after line {}: the compressed data is damaged or cut short (what follows its end is "
        "not {})",
        path_.string(), line_number, format_->name);
  }
  decompressor_->BeginMember();
  between_members_ = false;
  return true;
}

size_t InputFile::Unpack(std::span<char> room, int64_t line_number) {
  while (true) {
    if (between_members_ && !BeginNextMember(line_number)) return 0;
    // Even if packed_ is empty, the decompressor may hold output that did not fit before.
    const size_t packed_before = packed_.size();
    const Decompressor::Step step = decompressor_->Unpack(&packed_, room);
    if (!step.fault.empty()) {
      throw UsageError("{}: after line {}: {}", path_.string(), line_number, step.fault);
    }
    between_members_ = step.ended;
    if (step.made > 0) return step.made;
    const bool needs_more = packed_.empty() || packed_.size() == packed_before;
    if (!step.ended && needs_more && !Fill(line_number)) {
      throw UsageError(
          "{}: after line {}: the compressed data is damaged or cut short (unexpected end of file)",
          path_.string(), line_number);
    }
  }
}

size_t InputFile::Read(char* bytes, size_t size, int64_t line_number) {
  if (!detected_) Detect(/*deadline=*/std::nullopt, line_number);
  if (is_compressed()) return Unpack({bytes, size}, line_number);
  if (packed_.empty() && !Fill(line_number)) return 0;
  const size_t count = std::min(size, packed_.size());
  std::memcpy(bytes, packed_.data(), count);
  packed_.remove_prefix(count);
  return count;
}

bool InputFile::IsReady(Time deadline) {
  if (descriptor_->is_regular()) return true;
  if (!detected_ && !Detect(deadline, /*line_number=*/0)) return false;
  if (!packed_.empty() || ended_) return true;
  return WaitForInput(descriptor_->value(), deadline);
}

bool IsCompressed(const std::filesystem::path& path) {
  std::string beginning(kLongestMagic, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  beginning.resize(static_cast<size_t>(file.gcount()));
  return GuessFormat(beginning).format != nullptr;
}

}  // namespace wavemt
