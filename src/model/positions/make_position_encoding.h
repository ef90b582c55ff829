#pragma once

#include "config/config.h"
#include "model/positions/position_encoding.h"

namespace wavemt {

/// The encoding that config.position_encoding asks for, with weights that are not yet drawn.
PositionEncoding MakePositionEncoding(const ModelConfig& config);

}  // namespace wavemt
