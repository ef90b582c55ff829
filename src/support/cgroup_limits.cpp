#include "support/cgroup_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "support/system_file.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// The folder of the group `path` in the hierarchy at `mount`, and those of the groups around it. In
// a container the outer ones may be hidden, and with them the path to the own one: then the mount
// is the own one.
std::vector<fs::path> GroupAndParents(const fs::path& mount, const std::string& path) {
  std::vector<fs::path> folders = {mount};
  fs::path folder = mount;
  for (const fs::path& part : fs::path(path).relative_path()) {
    if (part == "..") return {mount};
    folder /= part;
    folders.push_back(folder);
  }
  return folders;
}

// The number that a file holds, possibly as its `index`th word. Nothing for "max".
std::optional<double> NumberIn(const fs::path& file, int index = 0) {
  std::istringstream words(ReadSystemFile(file).value_or(""));
  std::string word;
  for (int i = 0; i <= index; ++i) {
    if (!(words >> word)) return std::nullopt;
  }
  std::istringstream number(word);
  double value = 0;
  return number >> value ? std::optional(value) : std::nullopt;
}

template <typename T>
void TakeSmaller(std::optional<T>* limit, T value) {
  *limit = *limit ? std::min(**limit, value) : value;
}

void AddProcessors(std::optional<double> quota, std::optional<double> period,
                   CgroupLimits* limits) {
  // Version 1 writes -1 for no limit.
  if (quota && period && *quota > 0 && *period > 0) {
    TakeSmaller(&limits->processors, *quota / *period);
  }
}

void AddMemory(std::optional<double> bytes, CgroupLimits* limits) {
  constexpr double kNoLimit = 1e18;  // Version 1 writes almost 2^63.
  if (bytes && *bytes > 0 && *bytes < kNoLimit) {
    TakeSmaller(&limits->memory, static_cast<int64_t>(*bytes));
  }
}

}  // namespace

CgroupLimits ReadCgroupLimits(const fs::path& root) {
  CgroupLimits limits;
  const fs::path mounts = root / "sys/fs/cgroup";
  // A line is NUMBER:CONTROLLERS:PATH; that of version 2 names no controllers.
  std::istringstream groups(ReadSystemFile(root / "proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = fmt::format(",{},", line.substr(first + 1, second - first - 1));
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") {
      for (const fs::path& folder : GroupAndParents(mounts, path)) {
        AddProcessors(NumberIn(folder / "cpu.max"), NumberIn(folder / "cpu.max", 1), &limits);
        AddMemory(NumberIn(folder / "memory.max"), &limits);
      }
    }
    if (controllers.find(",cpu,") != std::string::npos) {
      for (const fs::path& folder : GroupAndParents(mounts / "cpu", path)) {
        AddProcessors(NumberIn(folder / "cpu.cfs_quota_us"), NumberIn(folder / "cpu.cfs_period_us"),
                      &limits);
      }
    }
    if (controllers.find(",memory,") != std::string::npos) {
      for (const fs::path& folder : GroupAndParents(mounts / "memory", path)) {
        AddMemory(NumberIn(folder / "memory.limit_in_bytes"), &limits);
      }
    }
  }
  return limits;
}

}  // namespace wavemt
