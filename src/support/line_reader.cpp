#include "support/line_reader.h"

#include <zlib.h>

#include <cstring>
#include <utility>

#include "support/error.h"
#include "support/files.h"
#include "support/utf8.h"

namespace wavemt {
namespace {

constexpr size_t kBufferSize = 1 << 18;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

// zlib reads plain files as they are and gzip files unpacked.
struct LineReader::Stream {
  explicit Stream(const std::filesystem::path& path) : file(gzopen(path.c_str(), "rbe")) {
    if (file == nullptr) {
      throw UsageError("{}: cannot be read: {}", path.string(), std::strerror(errno));
    }
    gzbuffer(file, kBufferSize);
  }
  ~Stream() { gzclose_r(file); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  gzFile file;
};

LineReader::LineReader(std::filesystem::path path) : path_(std::move(path)), buffer_(kBufferSize) {
  RequireReadableFile(path_);
  stream_ = std::make_unique<Stream>(path_);
}

LineReader::~LineReader() = default;
LineReader::LineReader(LineReader&&) noexcept = default;

bool LineReader::FillBuffer() {
  const int count = gzread(stream_->file, buffer_.data(), static_cast<unsigned>(buffer_.size()));
  int code = Z_OK;
  const char* reason = gzerror(stream_->file, &code);
  // A gzip file that was cut short reads without a failure up to its end, then shows Z_BUF_ERROR.
  if (count < 0 || code == Z_BUF_ERROR) {
    throw UsageError("{}: after line {}: the compressed data is damaged or cut short ({})",
                     path_.string(), line_number_, code == Z_ERRNO ? std::strerror(errno) : reason);
  }
  begin_ = 0;
  end_ = static_cast<size_t>(count);
  return end_ > 0;
}

bool LineReader::Next(std::string* line) {
  line->clear();
  bool found_any = false;
  bool found_end = false;
  while (!found_end) {
    if (begin_ == end_ && !FillBuffer()) break;
    found_any = true;
    const char* start = buffer_.data() + begin_;
    const void* newline = std::memchr(start, '\n', end_ - begin_);
    found_end = newline != nullptr;
    const size_t length =
        found_end ? static_cast<size_t>(static_cast<const char*>(newline) - start) : end_ - begin_;
    line->append(start, length);
    begin_ += length + (found_end ? 1 : 0);
  }
  if (!found_any) return false;
  ++line_number_;
  if (found_end && line->ends_with('\r')) line->pop_back();
  if (line_number_ == 1 && line->starts_with(kByteOrderMark)) line->erase(0, kByteOrderMark.size());
  if (const auto offset = FindInvalidUtf8(*line)) {
    throw UsageError("{}: line {}: invalid UTF-8 at byte {} of the line", path_.string(),
                     line_number_, *offset + 1);
  }
  return true;
}

std::vector<std::string> ReadLines(const std::filesystem::path& path) {
  LineReader reader(path);
  std::vector<std::string> lines;
  for (std::string line; reader.Next(&line);) lines.push_back(std::move(line));
  return lines;
}

}  // namespace wavemt
