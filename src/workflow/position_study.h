#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config_overrides.h"

namespace wavemt {

/// A table of numbers that can be drawn as an image.
struct NumberGrid {
  std::string title;         // "added to source embeddings"
  std::string row_label;     // "position"
  std::string column_label;  // "dimension"
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;  // Row by row.
};

/// Curves over the distance (position of the key - position of the query).
struct DistanceCurves {
  struct Curve {
    std::string name;  // "head 1"
    std::vector<double> values;
  };
  std::string title;        // "encoder: added to the scores of attention"
  std::string value_label;  // "score"
  int64_t first_distance = 0;
  std::vector<Curve> curves;
};

/// What a model's position encoding is and does, in numbers.
struct PositionStudy {
  std::string origin;        // The config, or the checkpoint whose weights were studied.
  std::string encoding;      // "sinusoidal, 512 positions"
  std::string effect;        // What it does, in a sentence.
  std::string weights_of{};  // "computed", "drawn by seed 1, before any training", "as trained"
  int64_t weights = 0;       // Learned numbers.
  int64_t bytes = 0;         // Of tables in a checkpoint, learned or computed.

  std::vector<NumberGrid> added{};       // To the embeddings: [position, dimension].
  std::vector<NumberGrid> similarity{};  // Cosines of these rows: [position, position].
  std::vector<DistanceCurves> by_distance{};
};

/// Studies the encoding of a config, or of a run or checkpoint if `path` is one, for the first
/// `length` positions.
PositionStudy StudyPositions(const std::filesystem::path& path, const ConfigOverrides& overrides,
                             int64_t length);

}  // namespace wavemt
