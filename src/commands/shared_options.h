#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <optional>

#include "commands/compute_device.h"
#include "config/config_overrides.h"

namespace wavemt {

/// --device and --threads.
void AddComputeOptions(CLI::App* command, ComputeOptions* options);

/// --max-minutes: how long the command may take, in minutes; 0 where it is not given.
void AddTimeLimitOption(CLI::App* command, double* max_minutes);

/// --memory-limit: the memory that the command may take, in bytes; 0 where it is not given.
void AddMemoryLimitOption(CLI::App* command, int64_t* bytes);

/// When a command that began at `start` must have ended; nothing where `max_minutes` is 0.
std::optional<std::chrono::steady_clock::time_point> DeadlineAfter(
    std::chrono::steady_clock::time_point start, double max_minutes);

/// --set key=value, as often as wanted.
void AddSetOption(CLI::App* command);

/// --run-dir: a short name of the config key.
void AddRunDirOption(CLI::App* command);

/// --beam-size, --length-penalty and --n-best: short names of config keys.
void AddDecodingOptions(CLI::App* command, bool with_n_best);

/// What these options gave, in the order in which they were typed: the last one of a key wins, by
/// whichever name it was typed. For the command's callback.
ConfigOverrides TypedOverrides(const CLI::App& command);

}  // namespace wavemt
