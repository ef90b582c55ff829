#pragma once

#include <filesystem>
#include <string>

namespace wavemt {

/// The language that the name of a text file ends in: "de" of train.de and of train.de.gz. Empty if
/// it has no such ending.
std::string LanguageOfFile(const std::filesystem::path& file);

}  // namespace wavemt
