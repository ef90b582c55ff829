#pragma once

#include <cstdint>
#include <vector>

#include "model/positions/position_encoding.h"
#include "workflow/figures.h"

namespace wavemt {

/// What a position encoding does, to be drawn.
struct PositionDrawings {
  std::vector<NumberGrid> added{};       // To the embeddings: [position, dimension].
  std::vector<NumberGrid> similarity{};  // Cosines of these rows: [position, position].
  std::vector<DistanceCurves> by_distance{};
};

/// For the first `length` positions. `encoding` is on the CPU. REQUIRES: it has so many.
PositionDrawings DrawPositions(PositionEncoding encoding, int64_t d_model, int64_t length);

}  // namespace wavemt
