#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/files.h"

namespace wavemt {

/// The destination of a command's results: standard output, an existing pipe or device, or a file
/// that appears only once it is complete.
class TextOutput {
 public:
  /// "-" is standard output.
  explicit TextOutput(const std::string& path);
  ~TextOutput();
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  void Write(std::string_view text);
  /// Makes the output so far visible to a reader of standard output or a pipe.
  void Flush();
  /// Writes everything to the disk, but does not let the file appear yet.
  void Sync();
  /// Completes the file.
  void Finish();

 private:
  std::string name_;
  std::unique_ptr<StagedFile> file_;  // Null if the text goes to `stream_`.
  std::FILE* stream_ = nullptr;
};

/// Completes files that belong together: either all of them appear, or none if one cannot be
/// written.
void FinishTogether(const std::vector<TextOutput*>& outputs);

}  // namespace wavemt
