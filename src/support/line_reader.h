#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace wavemt {

/// Reads a text file, plain or gzip-compressed, line by line.
///
/// Only "\n" ends a line: NUL, a lone "\r", U+0085 and U+2028 stay inside, so that the two sides of
/// a parallel corpus can never shift against each other. One "\r" before the "\n" is dropped
/// (Windows files), and so is a byte order mark at the start. A last line without "\n" counts.
///
/// Errors are usage errors that name the file and the line: a missing file, a directory, a gzip
/// stream that is damaged or cut short, invalid UTF-8.
class LineReader {
 public:
  explicit LineReader(std::filesystem::path path);
  ~LineReader();
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) = delete;

  /// Reads the next line into `line`, without its ending. False at the end of the file.
  bool Next(std::string* line);

  /// The number of the line that Next() read last, from 1.
  int64_t line_number() const { return line_number_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Stream;
  bool FillBuffer();

  std::filesystem::path path_;
  std::unique_ptr<Stream> stream_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  int64_t line_number_ = 0;
};

/// All lines of a file, as LineReader gives them.
std::vector<std::string> ReadLines(const std::filesystem::path& path);

}  // namespace wavemt
