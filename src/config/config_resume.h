#pragma once

#include "config/config.h"
#include "config/config_overrides.h"

namespace wavemt {

/// Throws a usage error if one of `overrides` is for a key that cannot change in the middle of a
/// run with this config. config_fields.h says which keys can.
void RequireMayChange(const Config& config, const ConfigOverrides& overrides);

}  // namespace wavemt
