#include "config/data_folder.h"

#include <cstdlib>
#include <system_error>

namespace fs = std::filesystem;

namespace wavemt {

std::optional<fs::path> DataFolder() {
  if (const char* value = std::getenv("WAVEMT_DATA"); value != nullptr && *value != '\0') {
    return fs::absolute(value);
  }
  std::error_code error;
  fs::path place = fs::read_symlink("/proc/self/exe", error);
  while (place.has_relative_path()) {
    place = place.parent_path();
    // Without the links on the way, or a message would name the build folder.
    const fs::path folder = fs::canonical(place / "share/wavemt/data", error);
    if (!error) return folder;
  }
  return std::nullopt;
}

}  // namespace wavemt
