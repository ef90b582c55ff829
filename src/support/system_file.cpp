#include "support/system_file.h"

#include <array>
#include <fstream>

#include "support/whitespace.h"

namespace wavemt {

std::optional<std::string> ReadSystemFile(const std::filesystem::path& path) {
  constexpr size_t kMost = size_t{16} << 20;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 1 << 14> buffer{};
  while (text.size() < kMost) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    text.append(buffer.data(), static_cast<size_t>(file.gcount()));
    if (!file) break;
  }
  // A folder opens, but cannot be read.
  return file.bad() ? std::nullopt : std::optional(text);
}

std::string ValueInSystemFile(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || StripRight(line.substr(0, colon)) != name) continue;
    const std::string_view value = StripRight(line.substr(colon + 1));
    const size_t begin = value.find_first_not_of(" \t");
    return std::string(begin == std::string_view::npos ? "" : value.substr(begin));
  }
  return "";
}

}  // namespace wavemt
