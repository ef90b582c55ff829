#pragma once

#include <string>
#include <vector>

#include "config/config_origin.h"
#include "support/json.h"

namespace wavemt {

/// Puts each "a.b=c" into `document`, as if it had been written there, and notes it in `origin`.
/// c is JSON, or plain text where the key holds text; a path is taken from the current folder.
/// Throws a usage error for an unknown key or a text without "=".
void ApplyOverrides(const std::vector<std::string>& overrides, Json* document,
                    ConfigOrigin* origin);

/// All keys of the config in their order: "seed", "run_dir", "data.train.source", ...
std::vector<std::string> AllConfigKeys();

}  // namespace wavemt
