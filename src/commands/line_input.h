#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "support/line_reader.h"

namespace wavemt {

/// The lines of a file or of standard input, in portions that are worth translating together.
class LineInput {
 public:
  /// "-" is standard input.
  explicit LineInput(const std::string& path, InvalidUtf8 invalid = InvalidUtf8::kRefuse);

  /// The next lines, at most `most`. From standard input or a pipe, fewer as soon as no more are
  /// waiting, so that a program at the other end gets its answers without closing it. Empty at the
  /// end of the input. What is wrong with a line is thrown by the call after the one that gives the
  /// lines before it, so that none of these is lost.
  std::vector<std::string> NextPortion(size_t most);

  /// How many lines had invalid UTF-8 replaced.
  int64_t lines_replaced() const { return reader_.lines_replaced(); }

 private:
  LineReader reader_;
  std::exception_ptr error_;  // For the next call.
};

}  // namespace wavemt
