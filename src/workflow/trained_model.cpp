#include "workflow/trained_model.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "model/adapters/adapter.h"
#include "support/error.h"
#include "support/files.h"
#include "workflow/adapter_info.h"
#include "workflow/build_model.h"
#include "workflow/languages.h"
#include "workflow/position_tables.h"
#include "workflow/run_files.h"
#include "workflow/same_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// The base of an adapter, where it was when the adapter was trained.
fs::path BaseOf(const fs::path& adapter) {
  const fs::path base = ReadAdapterInfo(adapter).base.checkpoint;
  if (Exists(base)) return base;
  throw UsageError(
      "{}: its base {} is not there any more; where it is now, `wavemt translate BASE --adapter "
      "{}` "
      "names both",
      adapter.string(), base.string(), adapter.string());
}

// Adds the adapter to a model with its base's weights.
void AddTrainedAdapter(const fs::path& folder, const fs::path& base, const Config& config,
                       Transformer* model) {
  const AdapterInfo info = ReadAdapterInfo(folder);
  RequireBase(folder, info, base);
  AddAdapter(info.adapter, config.model, model);
  NamedTensors targets = StateOf(**model);
  std::erase_if(targets, [](const auto& named) { return !IsAdapterWeight(named.first); });
  const fs::path file = folder / kAdapterFile;
  const bool has_manifest = Exists(folder / kManifestFile);
  CopyTensors(has_manifest ? ReadCheckpointModel(folder) : ReadSafetensors(file), targets,
              file.string());
  MergeLora(model);
}

TrainedModel OpenModelAt(const ModelLocation& location, const ConfigOverrides& overrides,
                         torch::Device device, const fs::path& adapter) {
  TrainedModel opened;
  opened.config = LoadTrainedConfig(location, overrides);
  opened.checkpoint = location.checkpoint;
  opened.adapter = adapter;
  if (IsFolder(location.checkpoint) && HasAdapter(location.checkpoint)) {
    if (!adapter.empty()) {
      throw UsageError(
          "{}: is an adapter itself; --adapter goes with the model that is its base, {}",
          location.checkpoint.string(),
          ReadAdapterInfo(location.checkpoint).base.checkpoint.string());
    }
    opened.adapter = location.checkpoint;
    opened.checkpoint = BaseOf(location.checkpoint);
  }
  opened.tokenizers = LoadRunTokenizers(location.run, opened.config.tokenizer);
  opened.trained_on = {.profile = LoadRunProfile(location.run),
                       .source_language = SourceLanguage(opened.config.data)};
  opened.model = BuildModel(opened.config.model, opened.tokenizers);
  const std::string origin = opened.checkpoint.string();
  NamedTensors weights = ReadWeights(opened.checkpoint);
  FitPositionTables(*opened.model->position_encoding, origin, &weights);
  CopyTensors(weights, StateOf(*opened.model), origin);
  if (!opened.adapter.empty()) {
    AddTrainedAdapter(opened.adapter, opened.checkpoint, opened.config, &opened.model);
  }
  opened.model->to(device);
  opened.model->eval();
  opened.device = device;
  return opened;
}

}  // namespace

TrainedModel OpenModel(const fs::path& path, const ConfigOverrides& overrides, torch::Device device,
                       const fs::path& adapter) {
  return ReadModelAt(path, [&](const ModelLocation& location) {
    return OpenModelAt(location, overrides, device,
                       adapter.empty() ? fs::path() : LocateAdapter(adapter));
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
  if (checkpoint.filename() == kAdapterFile) {
    throw UsageError("{}: is an adapter's weights; name the folder that they are in",
                     checkpoint.string());
  }
  // A checkpoint's manifest has the checksum of its model.
  if (checkpoint.filename() == kModelFile && Exists(folder / kManifestFile)) {
    return ReadCheckpointModel(folder);
  }
  return ReadSafetensors(checkpoint);
}

}  // namespace wavemt
