#include "commands/target_prefixes.h"

#include <filesystem>

#include "support/error.h"
#include "support/progress.h"

namespace wavemt {
namespace {

constexpr const char* kOneEach = "each line of the input needs one, which may be blank";

int64_t CountLines(const std::string& path) {
  LineReader reader = LineReader::Open(path, InvalidUtf8::kReplace);
  std::string line;
  while (reader.Next(&line)) {
  }
  return reader.line_number();
}

bool IsFile(const std::string& path) {
  std::error_code ignored;
  return path != "-" && std::filesystem::is_regular_file(path, ignored);
}

}  // namespace

TargetPrefixes::TargetPrefixes(const std::string& path, const std::string& input)
    : reader_(LineReader::Open(path)) {
  if (path == "-" && input == "-") {
    throw UsageError("-: standard input can be --input or --target-prefix, not both");
  }
  if (!IsFile(path) || !IsFile(input)) return;
  const int64_t prefixes = CountLines(path);
  const int64_t lines = CountLines(input);
  if (prefixes != lines) {
    throw UsageError("--target-prefix {}: has {} lines but {} has {}; {}", path,
                     WithThousands(prefixes), input, WithThousands(lines), kOneEach);
  }
}

std::vector<std::string> TargetPrefixes::Next(size_t count) {
  std::vector<std::string> lines;
  std::string line;
  while (lines.size() < count && reader_.Next(&line)) lines.push_back(line);
  if (lines.size() < count) {
    throw UsageError("--target-prefix {}: has only {} lines; {}", reader_.path().string(),
                     WithThousands(reader_.line_number()), kOneEach);
  }
  return lines;
}

void TargetPrefixes::Finish() {
  const int64_t lines = reader_.line_number();
  std::string line;
  if (!reader_.Next(&line)) return;
  throw UsageError("--target-prefix {}: has more than the {} lines of the input; {}",
                   reader_.path().string(), WithThousands(lines), kOneEach);
}

}  // namespace wavemt
