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
  kRefuse,   // A usage error that names file, line and byte.
  kReplace,  // U+FFFD for each ill-formed sequence, as Unicode recommends; the lines are counted.
};

/// Reads text, plain or compressed as InputFile knows it, line by line.
///
/// Only "\n" ends a line: NUL, a lone "\r", U+0085 and U+2028 stay inside, so that the two sides of
/// a parallel corpus can never shift against each other. One "\r" before the "\n" is dropped
/// (Windows files), and so is a byte order mark at the start. A last line without "\n" counts.
///
/// Errors are usage errors that name the file and the line: those of InputFile, invalid UTF-8,
/// and a line of more than 8 MiB, which is no text (a megabyte of gzip unpacks to a thousand). What
/// is no UTF-8 text by its beginning (FindOtherKind(): archives, documents, UTF-16) is refused by
/// what it is, before or soon behind its first line, whatever is to be done with invalid UTF-8.
class LineReader {
 public:
  explicit LineReader(std::filesystem::path path, InvalidUtf8 invalid = InvalidUtf8::kRefuse);
  static LineReader OfStandardInput(InvalidUtf8 invalid = InvalidUtf8::kRefuse);
  /// Of a path as it is typed: "-" is standard input.
  static LineReader Open(const std::string& path, InvalidUtf8 invalid = InvalidUtf8::kRefuse);

  /// Reads the next line into `line`, without its ending. False at the end of the text.
  bool Next(std::string* line);

  /// Whether Next() would answer without waiting for whoever writes the text (longer than one that
  /// is at work needs).
  bool IsReady();

  /// The number of the line that Next() read last, from 1.
  int64_t line_number() const { return line_number_; }
  /// How many lines had something replaced.
  int64_t lines_replaced() const { return lines_replaced_; }
  /// Bytes taken from the file so far, packed ones where it is packed.
  int64_t bytes_read() const { return input_.bytes_read(); }
  /// "standard input" for that.
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
  size_t begin_ = 0;     // Of the next line, in buffer_.
  size_t searched_ = 0;  // No "\n" stands between begin_ and here.
  bool ended_ = false;
  std::string beginning_;  // Of the text.
  bool beginning_grew_ = false;
  int64_t line_number_ = 0;
  int64_t lines_replaced_ = 0;
};

/// All lines that are left.
std::vector<std::string> ReadLines(LineReader reader);
/// All lines of a file.
std::vector<std::string> ReadLines(const std::filesystem::path& path);

}  // namespace wavemt
