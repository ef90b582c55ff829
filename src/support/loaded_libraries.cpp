#include "support/loaded_libraries.h"

#include <link.h>

#include <algorithm>

namespace wavemt {
namespace {

struct LibrarySearch {
  const std::vector<std::string_view>* names = nullptr;
  std::vector<std::string> found{};
};

int VisitLibrary(dl_phdr_info* info, size_t /*size*/, void* data) {
  auto* search = static_cast<LibrarySearch*>(data);
  const std::string_view path = info->dlpi_name == nullptr ? "" : info->dlpi_name;
  const std::string_view file = path.substr(path.rfind('/') + 1);
  const auto begins_file = [&](std::string_view name) { return file.starts_with(name); };
  if (std::ranges::any_of(*search->names, begins_file)) search->found.emplace_back(path);
  return 0;
}

}  // namespace

std::vector<std::string> LoadedLibraries(const std::vector<std::string_view>& names) {
  LibrarySearch search = {.names = &names};
  dl_iterate_phdr(VisitLibrary, &search);
  return search.found;
}

}  // namespace wavemt
