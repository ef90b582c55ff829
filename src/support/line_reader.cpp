#include "support/line_reader.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "support/error.h"
#include "support/file_kind.h"
#include "support/utf8.h"

namespace wavemt {
namespace {

constexpr size_t kReadSize = 1 << 16;
constexpr size_t kLongestLine = 8 << 20;

}  // namespace

LineReader::LineReader(InputFile input, InvalidUtf8 invalid)
    : input_(std::move(input)), invalid_(invalid) {}

LineReader::LineReader(std::filesystem::path path, InvalidUtf8 invalid)
    : LineReader(InputFile(std::move(path)), invalid) {}

LineReader LineReader::OfStandardInput(InvalidUtf8 invalid) {
  return {InputFile::StandardInput(), invalid};
}

LineReader LineReader::Open(const std::string& path, InvalidUtf8 invalid) {
  return path == "-" ? OfStandardInput(invalid) : LineReader(path, invalid);
}

// Whether buffer_ holds the whole next line. If so, searched_ is the index of its "\n".
bool LineReader::HasLine() {
  const size_t newline = buffer_.find('\n', searched_);
  searched_ = newline == std::string::npos ? buffer_.size() : newline;
  return newline != std::string::npos;
}

void LineReader::Fill() {
  buffer_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  const size_t size = buffer_.size();
  if (size > kLongestLine) {
    throw UsageError("{}: line {}: is longer than {} MiB; is this text with one sentence per line?",
                     path().string(), line_number_ + 1, kLongestLine >> 20);
  }
  buffer_.resize(size + kReadSize);
  const size_t count = input_.Read(buffer_.data() + size, kReadSize, line_number_);
  buffer_.resize(size + count);
  ended_ = count == 0;
  if (beginning_.size() < kBeginningSize) {
    beginning_.append(buffer_, size, std::min(count, kBeginningSize - beginning_.size()));
    beginning_grew_ = true;
  }
}

// Looks only at the bytes that have arrived: waiting for more could deadlock with a writer that
// waits for an answer to its first line. Later bytes are checked along with later lines.
void LineReader::RefuseOtherKinds() {
  if (!beginning_grew_) return;
  beginning_grew_ = false;
  const bool is_plain_file = !input_.is_compressed() && input_.is_file();
  const auto kind = FindOtherKind(beginning_, is_plain_file ? path() : "");
  if (!kind) return;
  throw UsageError("{}: {}{}", path().string(),
                   input_.is_compressed() ? "its compressed content " : "", *kind);
}

bool LineReader::IsReady(InputFile::Time deadline) {
  while (!HasLine() && !ended_) {
    if (!input_.IsReady(deadline)) return false;
    Fill();
  }
  return true;
}

bool LineReader::Next(std::string* line) {
  while (!HasLine() && !ended_) Fill();
  RefuseOtherKinds();
  const bool found_end = searched_ < buffer_.size();
  if (!found_end && begin_ == buffer_.size()) {
    line->clear();
    return false;
  }
  line->assign(buffer_, begin_, searched_ - begin_);
  begin_ = searched_ = searched_ + (found_end ? 1 : 0);
  ++line_number_;
  if (found_end && line->ends_with('\r')) line->pop_back();
  if (line_number_ == 1 && line->starts_with(kByteOrderMark)) line->erase(0, kByteOrderMark.size());
  CheckUtf8(line);
  return true;
}

void LineReader::CheckUtf8(std::string* line) {
  const auto offset = FindInvalidUtf8(*line);
  if (!offset) return;
  if (invalid_ == InvalidUtf8::kRefuse) {
    throw UsageError("{}: line {}: invalid UTF-8 at byte {} of the line", path().string(),
                     line_number_, *offset + 1);
  }
  *line = ReplaceInvalidUtf8(*line);
  ++lines_replaced_;
}

std::vector<std::string> ReadLines(LineReader reader) {
  std::vector<std::string> lines;
  for (std::string line; reader.Next(&line);) lines.push_back(std::move(line));
  return lines;
}

std::vector<std::string> ReadLines(const std::filesystem::path& path) {
  return ReadLines(LineReader(path));
}

}  // namespace wavemt
