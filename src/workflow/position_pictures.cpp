#include "workflow/position_pictures.h"

#include <algorithm>
#include <string>

#include "checkpoint/named_tensors.h"
#include "model/positions/make_position_encoding.h"
#include "workflow/number_image.h"
#include "workflow/position_drawings.h"
#include "workflow/position_tables.h"

namespace wavemt {
namespace {

// A copy of the encoding of `model`, on the CPU.
PositionEncoding CopyOfEncoding(const ModelConfig& config, const torch::nn::Module& model) {
  PositionEncoding encoding = MakePositionEncoding(config);
  NamedTensors to;
  for (auto& [name, tensor] : StateOf(*encoding)) {
    to.emplace(std::string(kPositionPrefix) + name, tensor);
  }
  NamedTensors from;
  for (auto& [name, tensor] : StateOf(model)) {
    if (to.contains(name)) from.emplace(name, tensor);
  }
  CopyTensors(from, to, "the model's position encoding");
  return encoding;
}

// A row a curve.
NumberGrid GridOf(const DistanceCurves& curves) {
  NumberGrid grid{.title = curves.title,
                  .row_label = "curve",
                  .column_label = "distance",
                  .rows = static_cast<int64_t>(curves.curves.size()),
                  .columns = 0,
                  .values = {}};
  for (const DistanceCurves::Curve& curve : curves.curves) {
    grid.columns = static_cast<int64_t>(curve.values.size());
    for (const double value : curve.values) grid.values.push_back(static_cast<float>(value));
  }
  return grid;
}

}  // namespace

std::vector<Picture> PositionPictures(const Config& config, const torch::nn::Module& model) {
  constexpr int64_t kMostPositions = 512;
  const torch::NoGradGuard no_grad;
  const int64_t length =
      std::min({kMostPositions, config.data.max_length, config.model.position_encoding.max_length});
  PositionDrawings drawings =
      DrawPositions(CopyOfEncoding(config.model, model), config.model.d_model, length);
  for (const DistanceCurves& curves : drawings.by_distance) {
    drawings.added.push_back(GridOf(curves));
  }
  std::vector<Picture> pictures;
  for (const NumberGrid& grid : drawings.added) {
    pictures.push_back({.tag = "positions/" + grid.title,
                        .width = grid.columns,
                        .height = grid.rows,
                        .png = DrawNumbers(grid).png});
  }
  return pictures;
}

}  // namespace wavemt
