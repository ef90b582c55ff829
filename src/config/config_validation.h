#pragma once

#include "config/config.h"
#include "config/config_origin.h"

namespace wavemt {

/// Refuses configs whose values are possible one by one but not together. Each error names the
/// key to change, both values and what would be right.
void ValidateConfig(const Config& config, const ConfigOrigin& origin);

}  // namespace wavemt
