#pragma once

#include <string>

#include "config/config.h"
#include "support/json.h"

namespace wavemt {

/// The whole config, defaults included. LoadConfig() of this text gives the same config again.
Json ConfigToJson(const Config& config);

/// ConfigToJson() as an indented text with a final newline.
std::string ConfigText(const Config& config);

/// A JSON Schema (draft 2020-12) of the config, with the descriptions and defaults of every key.
Json ConfigSchema();

}  // namespace wavemt
