#include "workflow/trained_model.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "support/error.h"
#include "support/files.h"
#include "workflow/build_model.h"
#include "workflow/languages.h"
#include "workflow/position_tables.h"
#include "workflow/run_files.h"
#include "workflow/same_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

TrainedModel OpenModelAt(const ModelLocation& location, const ConfigOverrides& overrides,
                         torch::Device device) {
  TrainedModel opened;
  opened.config = LoadTrainedConfig(location, overrides);
  opened.checkpoint = location.checkpoint;
  opened.tokenizers = LoadRunTokenizers(location.run, opened.config.tokenizer);
  opened.trained_on = {.profile = LoadRunProfile(location.run),
                       .source_language = SourceLanguage(opened.config.data)};
  opened.model = BuildModel(opened.config.model, opened.tokenizers);
  const std::string origin = location.checkpoint.string();
  NamedTensors weights = ReadWeights(location.checkpoint);
  FitPositionTables(*opened.model->position_encoding, origin, &weights);
  CopyTensors(weights, StateOf(*opened.model), origin);
  opened.model->to(device);
  opened.model->eval();
  opened.device = device;
  return opened;
}

}  // namespace

TrainedModel OpenModel(const fs::path& path, const ConfigOverrides& overrides,
                       torch::Device device) {
  return ReadModelAt(path, [&](const ModelLocation& location) {
    return OpenModelAt(location, overrides, device);
  });
}

Config LoadTrainedConfig(const ModelLocation& location, const ConfigOverrides& overrides) {
  constexpr std::string_view kMayChange[] = {"model.position_encoding.max_length",
                                             "model.position_encoding.rotary_base"};
  Config trained = LoadRunConfig(location.run);
  if (overrides.empty()) return trained;
  Config config = LoadRunConfig(location.run, overrides);
  if (const auto difference = DifferenceOfModels(trained, config, kMayChange)) {
    throw UsageError("{}: was trained with {} = {} and cannot be used with {}",
                     location.checkpoint.string(), difference->key, difference->value_of_a,
                     difference->value_of_b);
  }
  return config;
}

NamedTensors ReadWeights(const fs::path& checkpoint) {
  if (IsFolder(checkpoint)) return ReadCheckpointModel(checkpoint);
  const fs::path folder = checkpoint.parent_path();
  // A checkpoint's manifest has the checksum of its model.
  if (checkpoint.filename() == kModelFile && Exists(folder / kManifestFile)) {
    return ReadCheckpointModel(folder);
  }
  return ReadSafetensors(checkpoint);
}

}  // namespace wavemt
