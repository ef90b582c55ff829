#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "support/line_reader.h"

namespace wavemt {

/// The lines of a file or of standard input, in portions to be translated together.
class LineInput {
 public:
  /// What a writer that is busy may need until its next line.
  static constexpr std::chrono::milliseconds kBriefly{20};

  /// "-" is standard input.
  explicit LineInput(const std::string& path, InvalidUtf8 invalid = InvalidUtf8::kRefuse);

  /// Returns the next lines, at most `max_lines`; none at the end of the input. From standard input
  /// or a pipe, returns the lines that have come `max_wait` after the first of them, so that a
  /// program at the other end gets its answers without closing the pipe. An error in a line is
  /// thrown only after the lines before it have been returned.
  std::vector<std::string> NextPortion(size_t max_lines,
                                       std::chrono::milliseconds max_wait = kBriefly);

  /// The file's name, or "standard input".
  std::string name() const { return reader_.path().string(); }
  /// The number of lines in which invalid UTF-8 was replaced.
  int64_t lines_replaced() const { return reader_.lines_replaced(); }

 private:
  LineReader reader_;
  std::exception_ptr error_;  // To be thrown by the next call.
};

}  // namespace wavemt
