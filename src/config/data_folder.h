#pragma once

#include <filesystem>
#include <optional>

namespace wavemt {

/// What ${WAVEMT_DATA} in a path stands for: the environment variable's folder or, where that is
/// not set, share/wavemt/data beside the program, or in the nearest folder above it that has one:
/// there it is installed, and in a build folder it leads to the checkout's data. An absolute path;
/// nothing where neither is there.
std::optional<std::filesystem::path> DataFolder();

}  // namespace wavemt
