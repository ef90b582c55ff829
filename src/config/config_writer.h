#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "support/json.h"

namespace wavemt {

/// The whole config, including defaults. LoadConfig() restores the same config from it.
Json ConfigToJson(const Config& config);

/// The section "adapter" alone.
Json AdapterToJson(const AdapterConfig& adapter);

/// The value of every key, in the order of the config; of a section that may be a list
/// ("data.valid"), the whole section as one value. So two configs have the same keys, and each
/// "key=value" is an override.
std::vector<std::pair<std::string, Json>> ConfigValues(const Config& config);

/// ConfigToJson() as indented text with a final newline.
std::string ConfigText(const Config& config);

/// A JSON Schema (draft 2020-12) of the config, with the description, default and range of every
/// key. It refuses names, shapes and ranges that are wrong; keys that do not go together and files
/// that are missing are found by the program alone. `configs/schema.json` is its text.
Json ConfigSchema();

}  // namespace wavemt
