#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "commands/compute_device.h"

namespace wavemt {

/// --device and --threads.
void AddComputeOptions(CLI::App* command, ComputeOptions* options);

/// --set key=value, as often as wanted.
void AddSetOption(CLI::App* command, std::vector<std::string>* overrides);

/// --beam-size, --length-penalty and --n-best: short names of config keys, collected as overrides.
void AddDecodingOptions(CLI::App* command, bool with_n_best, std::vector<std::string>* overrides);

}  // namespace wavemt
