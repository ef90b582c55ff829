#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/input_file.h"

namespace wavemt {

/// What a LineReader does with bytes that are not UTF-8.
enum class InvalidUtf8 {
  kRefuse,   // Throws a usage error that names the file, line and byte.
  kReplace,  // Replaces each ill-formed sequence by U+FFFD; see lines_replaced().
};

/// Reads text line by line, plain or compressed (see InputFile).
///
/// Only "\n" ends a line. NUL, a lone "\r", U+0085 and U+2028 are part of the line, so that the two
/// sides of a parallel corpus stay aligned. One "\r" before the "\n" is dropped (Windows files),
/// and so is a byte order mark at the start. A last line without "\n" counts.
///
/// Throws usage errors that name the file and the line: those of InputFile, invalid UTF-8, and a
/// line of more than 8 MiB, which is unlikely to be text (and a megabyte of gzip can unpack to a
/// gigabyte). If the first bytes show that the input is not UTF-8 text (FindOtherKind(): archives,
/// documents, UTF-16), it is refused with that reason at or soon after the first line, even with
/// InvalidUtf8::kReplace.
class LineReader {
 public:
  explicit LineReader(std::filesystem::path path, InvalidUtf8 invalid = InvalidUtf8::kRefuse);
  static LineReader OfStandardInput(InvalidUtf8 invalid = InvalidUtf8::kRefuse);
  /// Opens a path from the command line: "-" is standard input.
  static LineReader Open(const std::string& path, InvalidUtf8 invalid = InvalidUtf8::kRefuse);

  /// Reads the next line into `line`, without its line ending. Returns false at the end.
  bool Next(std::string* line);

  /// Whether Next() would return without blocking. Waits for that until `deadline`; a time in the
  /// past: not at all.
  bool IsReady(InputFile::Time deadline = {});

  /// The number of the line that Next() returned last, from 1.
  int64_t line_number() const { return line_number_; }
  /// The number of lines in which invalid UTF-8 was replaced.
  int64_t lines_replaced() const { return lines_replaced_; }
  /// Bytes read from the file so far; for a compressed file, compressed bytes.
  int64_t bytes_read() const { return input_.bytes_read(); }
  /// The file's path, or "standard input".
  const std::filesystem::path& path() const { return input_.path(); }

 private:
  LineReader(InputFile input, InvalidUtf8 invalid);
  bool HasLine();
  void Fill();
  void RefuseOtherKinds();
  void CheckUtf8(std::string* line);

  InputFile input_;
  InvalidUtf8 invalid_;
  std::string buffer_;
  size_t begin_ = 0;     // Index in buffer_ of the next line.
  size_t searched_ = 0;  // There is no "\n" in [begin_, searched_).
  bool ended_ = false;
  std::string beginning_;  // The first kBeginningSize bytes of the text, as far as read.
  bool beginning_grew_ = false;
  int64_t line_number_ = 0;
  int64_t lines_replaced_ = 0;
};

/// All remaining lines.
std::vector<std::string> ReadLines(LineReader reader);
/// All lines of a file.
std::vector<std::string> ReadLines(const std::filesystem::path& path);

}  // namespace wavemt
