#pragma once

#include <string>

#include "config/config.h"

namespace wavemt {

/// What a config's encoding is, for example "rotary with base 500, 512 positions".
std::string PositionsText(const PositionEncodingConfig& config);

/// What the encoding does, in a sentence with its source.
std::string PositionsEffect(PositionEncodingType type);

}  // namespace wavemt
