#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace wavemt {

// What a report can draw.

/// A table of numbers, drawn as an image. At least one row and one column.
struct NumberGrid {
  std::string title;         // "added to the embeddings of the source"
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

/// How much each token of a translation attended to each token of its source.
struct AttentionGrid {
  std::string title{};                // "sentence 3"
  std::vector<std::string> source{};  // Pieces, with </s> at the end.
  std::vector<std::string> target{};
  std::vector<float> weights{};  // [target, source], from 0 to 1.
};

}  // namespace wavemt
