#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "support/files.h"

namespace wavemt {

/// Where a command puts its results: standard output, or a file that appears when it is complete.
class TextOutput {
 public:
  /// "-" is standard output.
  explicit TextOutput(const std::string& path);

  void Write(std::string_view text);
  /// Lets a reader of standard output see what was written so far.
  void Flush();
  /// Completes the file.
  void Finish();

 private:
  std::unique_ptr<StagedFile> file_;  // Null: standard output.
};

}  // namespace wavemt
