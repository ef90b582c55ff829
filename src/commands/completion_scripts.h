#pragma once

#include <string>
#include <vector>

#include "commands/command_tree.h"
#include "commands/config_keys.h"

namespace wavemt {

// Scripts with which a shell completes the program's command line. They hold all they offer, and do
// not start the program, which would take a noticeable moment to load LibTorch.

std::string BashCompletion(const CommandInfo& program, const std::vector<ConfigKey>& keys);
std::string ZshCompletion(const CommandInfo& program, const std::vector<ConfigKey>& keys);
std::string FishCompletion(const CommandInfo& program, const std::vector<ConfigKey>& keys);

}  // namespace wavemt
