#include "data/file_language.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "support/decompressor.h"

namespace wavemt {
namespace {

// Whether a file's extension says what was done to its text, or only that it is text. Some of these
// are the codes of languages with few speakers as well, of Toki Pona ("tok") for instance.
bool IsProcessingStep(std::string_view extension) {
  constexpr std::string_view kSteps[] = {
      ".tok",   ".tc",      ".lc",    ".bpe",    ".sp",   ".spm",      ".txt", ".text",
      ".clean", ".cleaned", ".dedup", ".dedupe", ".norm", ".filtered", ".raw", ".shuf"};
  return std::find(std::begin(kSteps), std::end(kSteps), extension) != std::end(kSteps);
}

}  // namespace

std::string LanguageOfFile(const std::filesystem::path& file) {
  std::filesystem::path name = file.filename();
  if (FormatOfExtension(name.extension().string()) != nullptr) name = name.stem();
  while (IsProcessingStep(name.extension().string())) name = name.stem();
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
