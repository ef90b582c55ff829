#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace wavemt {

/// What the control groups of this process and those around them allow it: the limits of a
/// container or of a cluster's job.
struct CgroupLimits {
  std::optional<double> processors{};  // How much processor time: 1.5 processors.
  std::optional<int64_t> memory{};     // In bytes.
};

/// Reads control groups of versions 1 and 2 below `root`, which has proc/self/cgroup and
/// sys/fs/cgroup in it. What is not there or makes no sense is no limit.
CgroupLimits ReadCgroupLimits(const std::filesystem::path& root = "/");

}  // namespace wavemt
