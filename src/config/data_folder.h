#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace wavemt {

/// share/wavemt/NAME in the program's own folder or in the nearest folder above it, with links
/// resolved: an installation has its files there, and a build folder links to the checkout's.
/// Nothing if there is no such folder.
std::optional<std::filesystem::path> SharedFolder(std::string_view name);

/// The folder that ${WAVEMT_DATA} in a path stands for, as an absolute path. If the environment
/// variable is not set, it is SharedFolder("data"). Nothing if there is no such folder either.
std::optional<std::filesystem::path> DataFolder();

}  // namespace wavemt
