#pragma once

#include <filesystem>
#include <optional>

namespace wavemt {

/// The folder that ${WAVEMT_DATA} in a path stands for, as an absolute path. If the environment
/// variable is not set, it is share/wavemt/data in the program's own folder or in the nearest
/// folder above it: an installation has its data there, and a build folder a link to the checkout's
/// data. Nothing if there is no such folder either.
std::optional<std::filesystem::path> DataFolder();

}  // namespace wavemt
