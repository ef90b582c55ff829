#pragma once

#include <string>

#include "checkpoint/named_tensors.h"
#include "model/positions/position_encoding.h"

namespace wavemt {

/// The name under which a Transformer registers its encoding; its tensors' names begin with it.
inline constexpr std::string_view kPositionPrefix = "position_encoding.";

/// The table of sinusoidal positions: the only saved tensor that is computed, not learned.
inline constexpr std::string_view kComputedTable = "position_encoding.pe";

/// Makes the position tables among `weights`, read from `origin`, as long as those of `encoding`,
/// whose model.position_encoding.max_length may differ from the saved one: cuts them, or, if they
/// are computed, lengthens them. A usage error if a learned table would have to be longer.
void FitPositionTables(PositionEncodingImpl& encoding, const std::string& origin,
                       NamedTensors* weights);

}  // namespace wavemt
