#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config_overrides.h"
#include "support/json.h"
#include "workflow/figures.h"

namespace wavemt {

/// What a model's position encoding is and does, in numbers.
struct PositionStudy {
  std::string origin;    // The config, or the checkpoint whose weights were studied.
  std::string encoding;  // "sinusoidal, 512 positions"
  std::string effect;    // What it does, in a sentence.
  std::string
      weights_of{};     // "computed", "as trained" or "random initial values, before training".
  int64_t weights = 0;  // Learned numbers.
  int64_t bytes = 0;    // Of tables in a checkpoint, learned or computed.

  std::vector<NumberGrid> added{};       // To the embeddings: [position, dimension].
  std::vector<NumberGrid> similarity{};  // Cosines of these rows: [position, position].
  std::vector<DistanceCurves> by_distance{};
};

/// Studies the encoding of a config, or of a run or checkpoint if `path` is one, for the first
/// `length` positions or as many as it has.
PositionStudy StudyPositions(const std::filesystem::path& path, const ConfigOverrides& overrides,
                             int64_t length);

/// The study as a JSON object, without what is drawn.
Json ToJson(const PositionStudy& study);

}  // namespace wavemt
