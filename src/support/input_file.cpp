#include "support/input_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <utility>

#include "support/error.h"
#include "support/files.h"

namespace wavemt {
namespace {

constexpr size_t kBufferSize = 1 << 16;
constexpr std::string_view kGzipMagic = "\x1F\x8B";

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

// Whether there is something to read after at most that long; -1: as long as it takes.
bool WaitForInput(int descriptor, int milliseconds) {
  pollfd waiting{.fd = descriptor, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, milliseconds) > 0;
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

struct InputFile::Gzip {
  Gzip() {
    constexpr int kGzipWrapper = 16;
    if (inflateInit2(&stream, MAX_WBITS + kGzipWrapper) != Z_OK) throw std::bad_alloc();
  }
  ~Gzip() { inflateEnd(&stream); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  z_stream stream{};
  bool between_members = false;
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

void InputFile::RequireUnchanged(bool at_end, int64_t line_number) const {
  if (!descriptor_->is_regular()) return;
  const struct stat& at_start = descriptor_->at_start();
  bool unchanged = IsUnchanged(at_start, StatusOf(descriptor_->value()));
  struct stat at_path {};
  // A file that was removed has no other in its place: its bytes are whole.
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
  if (!packed_.empty()) std::memmove(buffer_.data(), packed_.data(), packed_.size());
  char* const end = buffer_.data() + packed_.size();
  ssize_t count = 0;
  while ((count = read(descriptor_->value(), end, kBufferSize - packed_.size())) < 0) {
    if (errno == EAGAIN) {
      WaitForInput(descriptor_->value(), /*milliseconds=*/-1);
    } else if (errno != EINTR) {
      throw UsageError("{}: after line {}: cannot be read: {}", path_.string(), line_number,
                       std::strerror(errno));
    }
  }
  RequireUnchanged(/*at_end=*/count == 0, line_number);
  packed_ = {buffer_.data(), packed_.size() + static_cast<size_t>(count)};
  bytes_read_ += count;
  return count > 0;
}

void InputFile::Detect(int64_t line_number) {
  while (packed_.size() < kGzipMagic.size() && kGzipMagic.starts_with(packed_)) {
    if (Fill(line_number)) continue;
    // Plain text may be empty; of gzip nothing but its beginning is left.
    if (path_.extension() == ".gz") {
      throw UsageError("{}: the compressed data is damaged or cut short ({} of its bytes are left)",
                       path_.string(), packed_.empty() ? "none" : "one");
    }
    break;
  }
  if (packed_.starts_with(kGzipMagic)) gzip_ = std::make_unique<Gzip>();
  detected_ = true;
}

size_t InputFile::Unpack(char* bytes, size_t size, int64_t line_number) {
  z_stream& stream = gzip_->stream;
  stream.next_out = reinterpret_cast<Bytef*>(bytes);
  stream.avail_out = static_cast<uInt>(size);
  while (stream.avail_out == size) {
    // What zlib holds back for want of room never waits here: the trailer is still to be read then.
    if (packed_.empty() && !Fill(line_number)) {
      if (gzip_->between_members) return 0;
      throw UsageError(
          "{}: after line {}: the compressed data is damaged or cut short (unexpected end of file)",
          path_.string(), line_number);
    }
    if (gzip_->between_members) {
      while (packed_.size() < kGzipMagic.size() && Fill(line_number)) {
      }
      if (!packed_.starts_with(kGzipMagic)) {
        throw UsageError(
            "{}: after line {}: the compressed data is damaged or cut short (what follows its end "
            "is not gzip)",
            path_.string(), line_number);
      }
      inflateReset(&stream);
      gzip_->between_members = false;
    }
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed_.data()));
    stream.avail_in = static_cast<uInt>(packed_.size());
    const int code = inflate(&stream, Z_NO_FLUSH);
    packed_.remove_prefix(packed_.size() - stream.avail_in);
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
      throw UsageError("{}: after line {}: the compressed data is damaged or cut short ({})",
                       path_.string(), line_number,
                       stream.msg == nullptr ? "it needs a dictionary" : stream.msg);
    }
    gzip_->between_members = code == Z_STREAM_END;
  }
  return size - stream.avail_out;
}

size_t InputFile::Read(char* bytes, size_t size, int64_t line_number) {
  if (!detected_) Detect(line_number);
  if (gzip_) return Unpack(bytes, size, line_number);
  if (packed_.empty() && !Fill(line_number)) return 0;
  const size_t count = std::min(size, packed_.size());
  std::memcpy(bytes, packed_.data(), count);
  packed_.remove_prefix(count);
  return count;
}

bool InputFile::IsReady() const {
  if (!packed_.empty() || descriptor_->is_regular()) return true;
  constexpr int kMilliseconds = 20;
  return WaitForInput(descriptor_->value(), kMilliseconds);
}

bool IsGzip(const std::filesystem::path& path) {
  std::string beginning(kGzipMagic.size(), '\0');
  std::ifstream(path, std::ios::binary)
      .read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  return beginning == kGzipMagic;
}

}  // namespace wavemt
