#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/config_overrides.h"
#include "support/json.h"

namespace wavemt {

/// Reads a config file, applies `overrides` ("training.max_steps=100"), makes paths absolute and
/// checks everything that can be checked without opening the corpus.
///
/// Paths in the file are relative to the file's folder and may contain ${WAVEMT_DATA}; paths in
/// overrides are relative to the current folder. Throws a usage error that names the file or
/// option, the key, the value, and what would be right.
Config LoadConfig(const std::filesystem::path& file, const ConfigOverrides& overrides = {});

/// What ReadConfig() makes of missing keys.
struct MissingKeys {
  Config defaults{};                    // Their values.
  bool may_lack_training_text = false;  // An imported model was trained elsewhere.
};

/// Like LoadConfig(), for the text of the config file `file`.
Config ReadConfig(std::string_view text, const std::filesystem::path& file,
                  const ConfigOverrides& overrides = {}, const MissingKeys& missing = {});

/// Reads the section "adapter" alone, as AdapterToJson() writes it. Usage errors name `file`.
AdapterConfig AdapterFromJson(const Json& json, const std::filesystem::path& file);

/// The defaults for keys that a run's config lacks. An earlier version, which did not know those
/// keys, wrote it, so the run continues as that version behaved.
Config DefaultsOfEarlierRuns();

}  // namespace wavemt
