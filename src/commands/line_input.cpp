#include "commands/line_input.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "support/error.h"
#include "support/utf8.h"

namespace wavemt {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

class LineInput::StandardInput {
 public:
  // False at the end of the input.
  bool Next(std::string* line) {
    size_t newline = 0;
    while ((newline = pending_.find('\n', begin_)) == std::string::npos && !ended_) Read();
    if (newline == std::string::npos) {
      if (begin_ == pending_.size()) return false;
      newline = pending_.size();
    }
    line->assign(pending_, begin_, newline - begin_);
    begin_ = std::min(newline + 1, pending_.size());
    ++line_number_;
    if (line->ends_with('\r')) line->pop_back();
    if (line_number_ == 1 && line->starts_with(kByteOrderMark)) {
      line->erase(0, kByteOrderMark.size());
    }
    if (const auto offset = FindInvalidUtf8(*line)) {
      throw UsageError("standard input: line {}: invalid UTF-8 at byte {} of the line",
                       line_number_, *offset + 1);
    }
    return true;
  }

  // Whether Next() would answer without waiting (longer than a writer needs to fill the pipe).
  bool IsReady() const {
    if (ended_ || pending_.find('\n', begin_) != std::string::npos) return true;
    constexpr int kMilliseconds = 20;
    pollfd descriptor{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    return poll(&descriptor, 1, kMilliseconds) > 0;
  }

 private:
  void Read() {
    pending_.erase(0, begin_);
    begin_ = 0;
    char buffer[1 << 16];
    const ssize_t count = read(STDIN_FILENO, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) return;
    if (count < 0) throw UsageError("standard input: cannot be read: {}", std::strerror(errno));
    ended_ = count == 0;
    pending_.append(buffer, static_cast<size_t>(count));
  }

  std::string pending_;
  size_t begin_ = 0;
  int64_t line_number_ = 0;
  bool ended_ = false;
};

LineInput::LineInput(const std::string& path) {
  if (path == "-") {
    standard_input_ = std::make_unique<StandardInput>();
  } else {
    file_.emplace(path);
  }
}

LineInput::~LineInput() = default;

std::vector<std::string> LineInput::NextPortion(size_t most) {
  std::vector<std::string> lines;
  std::string line;
  while (lines.size() < most) {
    if (standard_input_ && !lines.empty() && !standard_input_->IsReady()) break;
    const bool found = standard_input_ ? standard_input_->Next(&line) : file_->Next(&line);
    if (!found) break;
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace wavemt
