#include "commands/text_output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "support/error.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// A pipe or a device, such as /dev/null: renaming a finished file over it would destroy it.
bool IsStream(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

// Whether `path` is another name for standard output, such as /dev/stdout.
bool IsStandardOutput(const fs::path& path) {
  struct stat named {};
  struct stat standard {};
  return stat(path.c_str(), &named) == 0 && fstat(STDOUT_FILENO, &standard) == 0 &&
         named.st_dev == standard.st_dev && named.st_ino == standard.st_ino;
}

// If `path` is a link to a file, the file itself, so that the link is preserved.
fs::path WithoutLinks(const fs::path& path) {
  std::error_code error;
  const fs::path target = fs::is_symlink(path, error) ? fs::canonical(path, error) : fs::path();
  return error || target.empty() ? path : target;
}

}  // namespace

TextOutput::TextOutput(const std::string& path) : name_(path == "-" ? "standard output" : path) {
  if (path == "-" || IsStandardOutput(path)) {
    stream_ = stdout;
  } else if (IsStream(path)) {
    stream_ = std::fopen(path.c_str(), "we");
    if (stream_ == nullptr) {
      throw UsageError("{}: cannot be written: {}", name_, std::strerror(errno));
    }
  } else {
    RequireOutputFile(path);
    file_ = std::make_unique<StagedFile>(WithoutLinks(path));
  }
}

TextOutput::~TextOutput() {
  if (stream_ != nullptr && stream_ != stdout) std::fclose(stream_);
}

void TextOutput::Write(std::string_view text) {
  if (file_) {
    file_->Write(text);
  } else if (std::fwrite(text.data(), 1, text.size(), stream_) != text.size()) {
    throw Failure("{}: cannot be written: {}", name_, std::strerror(errno));
  }
}

void TextOutput::Flush() {
  if (!file_ && std::fflush(stream_) != 0) {
    throw Failure("{}: cannot be written: {}", name_, std::strerror(errno));
  }
}

void TextOutput::Sync() {
  Flush();
  if (file_) file_->Sync();
}

void TextOutput::Finish() {
  Sync();
  if (file_) file_->Commit();
}

void FinishTogether(const std::vector<TextOutput*>& outputs) {
  for (TextOutput* output : outputs) output->Sync();
  for (TextOutput* output : outputs) output->Finish();
}

}  // namespace wavemt
