#pragma once

#include <CLI/CLI.hpp>

#include "config/config_overrides.h"
#include "workflow/compute_device.h"

namespace wavemt {

/// --device and --threads.
void AddComputeOptions(CLI::App* command, ComputeOptions* options);

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
