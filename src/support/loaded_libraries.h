#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wavemt {

/// The paths of the shared libraries of this process whose file names begin with one of `names`.
std::vector<std::string> LoadedLibraries(const std::vector<std::string_view>& names);

}  // namespace wavemt
