#include "config/data_folder.h"

#include <cstdlib>
#include <system_error>

namespace fs = std::filesystem;

namespace wavemt {

std::optional<fs::path> SharedFolder(std::string_view name) {
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error);
  while (folder.has_relative_path()) {
    folder = folder.parent_path();
    // With links resolved, so that messages name the checkout rather than the build folder.
    const fs::path shared = fs::canonical(folder / "share/wavemt" / name, error);
    if (!error) return shared;
  }
  return std::nullopt;
}

std::optional<fs::path> DataFolder() {
  if (const char* value = std::getenv("WAVEMT_DATA"); value != nullptr && *value != '\0') {
    return fs::absolute(value);
  }
  return SharedFolder("data");
}

}  // namespace wavemt
