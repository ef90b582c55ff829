#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "support/files.h"

namespace wavemt {

/// A usage error where no file can be made at `path`: an early answer, before any work.
void RequireOutputFile(const std::filesystem::path& path);

/// Where a command puts its results: standard output, a pipe or device that is there already, or a
/// file that appears when it is complete.
class TextOutput {
 public:
  /// "-" is standard output.
  explicit TextOutput(const std::string& path);
  ~TextOutput();
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  void Write(std::string_view text);
  /// Lets a reader of standard output or of a pipe see what was written so far.
  void Flush();
  /// Completes the file.
  void Finish();

 private:
  std::string name_;
  std::unique_ptr<StagedFile> file_;  // Null: `stream_` takes the text.
  std::FILE* stream_ = nullptr;
};

}  // namespace wavemt
