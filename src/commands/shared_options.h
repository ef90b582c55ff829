#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config_overrides.h"
#include "workflow/compute_device.h"

namespace wavemt {

/// --device and --threads.
void AddComputeOptions(CLI::App* command, ComputeOptions* options);

/// Refuses an option that was given an empty text, such as a shell's variable that is not set.
CLI::Validator NotEmpty();

/// --adapter, for commands that take a model.
void AddAdapterOption(CLI::App* command, std::string* adapter);

/// --shortlist, for commands that translate.
void AddShortlistOption(CLI::App* command, std::string* shortlist);

/// --set key=value, which can be repeated.
void AddSetOption(CLI::App* command);

/// --run-dir: a short name of the config key.
void AddRunDirOption(CLI::App* command);

/// --ensemble, for commands that translate, and how its models agree.
void AddEnsembleOption(CLI::App* command, std::vector<std::string>* models);
std::vector<std::filesystem::path> AsPaths(const std::vector<std::string>& names);

/// --source-prefix, for commands that take source sentences.
void AddSourcePrefixOption(CLI::App* command);

/// --source-prefix, --beam-size and the other options of a search: short names of config keys.
void AddDecodingOptions(CLI::App* command, bool with_n_best);

/// The overrides given by these options, in the order in which they were typed: the last one for a
/// key wins, whichever option it came from. To be called in the command's callback.
ConfigOverrides TypedOverrides(const CLI::App& command);

/// The config key that an option is short for, for example decoding.beam_size for --beam-size;
/// empty if it is no such option.
std::string_view KeyOfOption(std::string_view option);

/// Whether one of the overrides is for the config key.
bool IsTyped(const ConfigOverrides& overrides, std::string_view key);

}  // namespace wavemt
