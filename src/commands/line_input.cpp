#include "commands/line_input.h"

#include <utility>

#include "support/error.h"

namespace wavemt {

LineInput::LineInput(const std::string& path, InvalidUtf8 invalid)
    : reader_(LineReader::Open(path, invalid)) {}

std::vector<std::string> LineInput::NextPortion(size_t max_lines,
                                                std::chrono::milliseconds max_wait) {
  constexpr size_t kMaxBytes = 16 << 20;  // In case lines are extremely long.
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  std::vector<std::string> lines;
  std::string line;
  InputFile::Time deadline;
  try {
    for (size_t bytes = 0; lines.size() < max_lines && bytes < kMaxBytes; bytes += line.size()) {
      if (!lines.empty() && !reader_.IsReady(deadline)) break;
      if (!reader_.Next(&line)) break;
      if (lines.empty()) deadline = std::chrono::steady_clock::now() + max_wait;
      lines.push_back(line);
    }
  } catch (const Error&) {
    if (lines.empty()) throw;
    error_ = std::current_exception();
  }
  return lines;
}

}  // namespace wavemt
