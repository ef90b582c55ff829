#include "commands/text_output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "support/error.h"

namespace wavemt {

TextOutput::TextOutput(const std::string& path) {
  if (path != "-") file_ = std::make_unique<StagedFile>(path);
}

void TextOutput::Write(std::string_view text) {
  if (file_) {
    file_->Write(text);
  } else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw Failure("standard output: cannot be written: {}", std::strerror(errno));
  }
}

void TextOutput::Flush() {
  if (!file_ && std::fflush(stdout) != 0) {
    throw Failure("standard output: cannot be written: {}", std::strerror(errno));
  }
}

void TextOutput::Finish() {
  Flush();
  if (file_) file_->Commit();
}

}  // namespace wavemt
