#include "data/file_language.h"

#include "support/decompressor.h"

namespace wavemt {

std::string LanguageOfFile(const std::filesystem::path& file) {
  std::filesystem::path name = file.filename();
  if (FormatOfExtension(name.extension().string()) != nullptr) name = name.stem();
  const std::string extension = name.extension().string();
  return extension.empty() ? "" : extension.substr(1);
}

}  // namespace wavemt
