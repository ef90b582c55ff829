#include "workflow/position_study.h"

#include <torch/torch.h>

#include <algorithm>
#include <utility>

#include "checkpoint/named_tensors.h"
#include "checkpoint/run_directory.h"
#include "config/config_reader.h"
#include "model/positions/make_position_encoding.h"
#include "support/files.h"
#include "support/random.h"
#include "workflow/position_drawings.h"
#include "workflow/position_tables.h"
#include "workflow/position_text.h"
#include "workflow/trained_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// An encoding with its weights, and where they come from.
struct StudiedEncoding {
  Config config;
  PositionEncoding encoding{nullptr};
  std::string origin;
  bool is_trained = false;
};

StudiedEncoding EncodingOfConfig(const fs::path& path, const ConfigOverrides& overrides) {
  StudiedEncoding studied;
  studied.config = LoadConfig(path, overrides);
  studied.encoding = MakePositionEncoding(studied.config.model);
  studied.origin = path.string();
  torch::manual_seed(
      DeriveSeed(static_cast<uint64_t>(studied.config.seed), RandomStream::kInitialWeights));
  studied.encoding->InitializeWeights();
  return studied;
}

StudiedEncoding EncodingOfModel(const ModelLocation& location, const ConfigOverrides& overrides) {
  StudiedEncoding studied;
  studied.config = LoadTrainedConfig(location, overrides);
  studied.encoding = MakePositionEncoding(studied.config.model);
  studied.origin = location.checkpoint.string();
  studied.is_trained = true;
  NamedTensors weights;
  for (auto& [name, tensor] : ReadWeights(CheckpointOfWholeModel(location.checkpoint))) {
    if (name.starts_with(kPositionPrefix)) weights.emplace(name, tensor);
  }
  FitPositionTables(*studied.encoding, studied.origin, &weights);
  NamedTensors targets;
  for (auto& [name, tensor] : StateOf(*studied.encoding)) {
    targets.emplace(std::string(kPositionPrefix) + name, tensor);
  }
  CopyTensors(weights, targets, studied.origin);
  return studied;
}

}  // namespace

Json ToJson(const PositionStudy& study) {
  return {{"encoding", study.encoding},     {"effect", study.effect}, {"weights", study.weights},
          {"weights_of", study.weights_of}, {"bytes", study.bytes},   {"origin", study.origin}};
}

PositionStudy StudyPositions(const fs::path& path, const ConfigOverrides& overrides,
                             int64_t length) {
  const torch::NoGradGuard no_grad;
  const bool is_config = path.extension() == ".json";
  const StudiedEncoding studied = is_config ? EncodingOfConfig(path, overrides)
                                            : ReadModelAt(path, [&](const ModelLocation& location) {
                                                return EncodingOfModel(location, overrides);
                                              });
  const PositionEncodingConfig& config = studied.config.model.position_encoding;
  PositionStudy study{.origin = studied.origin,
                      .encoding = PositionsText(config),
                      .effect = PositionsEffect(config.type)};
  for (const auto& parameter : studied.encoding->parameters()) study.weights += parameter.numel();
  study.bytes = BytesOf(StateOf(*studied.encoding));
  study.weights_of = "computed";
  if (study.weights > 0) {
    study.weights_of = studied.is_trained ? "as trained" : "random initial values, before training";
  }
  const int64_t shown = std::min(length, config.max_length);
  PositionDrawings drawings = DrawPositions(studied.encoding, studied.config.model.d_model, shown);
  study.added = std::move(drawings.added);
  study.similarity = std::move(drawings.similarity);
  study.by_distance = std::move(drawings.by_distance);
  return study;
}

}  // namespace wavemt
