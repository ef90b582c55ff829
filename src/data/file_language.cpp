#include "data/file_language.h"

#include <utility>

#include "support/decompressor.h"

namespace wavemt {

std::string LanguageOfFile(const std::filesystem::path& file) {
  std::filesystem::path name = file.filename();
  if (FormatOfExtension(name.extension().string()) != nullptr) name = name.stem();
  const std::string extension = name.extension().string();
  return extension.empty() ? "" : extension.substr(1);
}

LanguagesOfText LanguagesOf(const ParallelFiles& files, LanguagesOfText given) {
  if (given.source.empty() && !files.source.empty()) {
    given.source = LanguageOfFile(files.source.front());
  }
  if (given.target.empty() && !files.target.empty()) {
    given.target = LanguageOfFile(files.target.front());
  }
  return given;
}

}  // namespace wavemt
