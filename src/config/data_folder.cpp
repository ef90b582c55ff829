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
  fs::path folder = fs::read_symlink("/proc/self/exe", error);
  while (folder.has_relative_path()) {
    folder = folder.parent_path();
    // With links resolved, so that messages name the checkout rather than the build folder.
    const fs::path data = fs::canonical(folder / "share/wavemt/data", error);
    if (!error) return data;
  }
  return std::nullopt;
}

}  // namespace wavemt
