#pragma once

#include <filesystem>
#include <string>

#include "config/config.h"

namespace wavemt {

/// The language that the name of a text file ends in: "de" of train.de and of train.de.gz. Endings
/// that say what was done to the text do not count: "zh" of train.zh.tok. Empty if there is no
/// other ending.
std::string LanguageOfFile(const std::filesystem::path& file);

/// Language codes, for example "en" and "de"; empty if one is not known.
struct LanguagesOfText {
  std::string source;
  std::string target;
};
/// Those of a corpus: what is `given` for a side or else, where it has files for each side, what
/// the name of its first file ends in.
LanguagesOfText LanguagesOf(const ParallelFiles& files, LanguagesOfText given);

}  // namespace wavemt
