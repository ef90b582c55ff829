#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/config_overrides.h"

namespace wavemt {

/// Reads a config file, applies `overrides` ("training.max_steps=100"), makes paths absolute and
/// checks everything that can be checked without opening the corpus.
///
/// Paths in the file are relative to the file and may hold ${WAVEMT_DATA}; paths in overrides are
/// relative to the current folder. Throws a usage error that names the place (file or option,
/// and the JSON path), the value and what would be right.
Config LoadConfig(const std::filesystem::path& file, const ConfigOverrides& overrides = {});

/// The same of a config's text that was read before; `file` is where it lies. Keys that it does not
/// have are taken from `defaults`.
Config ReadConfig(std::string_view text, const std::filesystem::path& file,
                  const ConfigOverrides& overrides = {}, const Config& defaults = {});

/// What keys mean that a run's config does not have: such a run is of a version that did not know
/// them, and goes on as that version did.
Config DefaultsOfEarlierRuns();

}  // namespace wavemt
