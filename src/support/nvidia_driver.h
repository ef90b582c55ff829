#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wavemt {

/// What NVIDIA's driver tells, without LibTorch.
struct NvidiaDriver {
  std::string version{};            // "565.57.01"; empty: there is no driver.
  std::vector<std::string> gpus{};  // "NVIDIA H200"
};

/// Reads driver/nvidia below `proc`, which the driver fills.
NvidiaDriver ReadNvidiaDriver(const std::filesystem::path& proc = "/proc");

}  // namespace wavemt
