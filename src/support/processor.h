#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wavemt {

/// What the system tells of its processors.
struct Processor {
  std::string model{};                      // "AMD EPYC 9B14"; "unknown processor" without a name.
  std::vector<std::string> instructions{};  // Those of AVX2, AVX-512, AVX512-BF16 and AMX it has.
};

/// Reads a file like /proc/cpuinfo. The names are those of scripts/machine.py.
Processor ReadProcessor(const std::filesystem::path& cpuinfo = "/proc/cpuinfo");

/// The model and its instructions: "AMD EPYC 9B14, AVX2 AVX-512 AVX512-BF16".
std::string ProcessorText(const Processor& processor);

/// The number of logical processors that are switched on.
int NumProcessors();

/// On how many of them the system lets this process run (sched_getaffinity).
int NumAllowedProcessors();

}  // namespace wavemt
