#pragma once

#include "config/config.h"
#include "config/config_overrides.h"

namespace wavemt {

/// A usage error where one of `overrides` is for a key that cannot change in the middle of a run
/// with this config. config_fields.h says beside each key whether it can.
void RequireMayChange(const Config& config, const ConfigOverrides& overrides);

}  // namespace wavemt
