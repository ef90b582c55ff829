#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/line_reader.h"

namespace wavemt {

/// The lines of a file or of standard input, in portions that are worth translating together.
class LineInput {
 public:
  /// "-" is standard input.
  explicit LineInput(const std::string& path);
  ~LineInput();

  /// The next lines, at most `most`. From standard input, fewer as soon as no more are waiting, so
  /// that a program at the other end of the pipe gets its answers without closing it. Empty at the
  /// end of the input.
  std::vector<std::string> NextPortion(size_t most);

 private:
  class StandardInput;

  std::optional<LineReader> file_;
  std::unique_ptr<StandardInput> standard_input_;
};

}  // namespace wavemt
