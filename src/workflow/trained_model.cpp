#include "workflow/trained_model.h"

#include <memory>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "data/tags.h"
#include "model/adapters/adapter.h"
#include "support/error.h"
#include "support/files.h"
#include "support/memory.h"
#include "workflow/adapter_info.h"
#include "workflow/bayes_risk.h"
#include "workflow/build_model.h"
#include "workflow/languages.h"
#include "workflow/learn_shortlist.h"
#include "workflow/position_tables.h"
#include "workflow/run_files.h"
#include "workflow/same_model.h"

namespace fs = std::filesystem;

namespace wavemt {
namespace {

// Adds the adapter to a model with its base's weights.
void AddTrainedAdapter(const TrainedAdapter& adapter, const Config& config, Transformer* model) {
  AddAdapter(adapter.info.adapter, config.model, model);
  NamedTensors targets = StateOf(**model);
  std::erase_if(targets, [](const auto& named) { return !IsAdapterWeight(named.first); });
  CopyTensors(adapter.weights, targets, (adapter.folder / kAdapterFile).string());
  MergeLora(model);
}

TrainedModel OpenModelAt(const ModelLocation& location, const ConfigOverrides& overrides,
                         torch::Device device, std::optional<TrainedAdapter> adapter) {
  TrainedModel opened;
  opened.config = LoadTrainedConfig(location, overrides);
  opened.run = location.run;
  opened.checkpoint = location.checkpoint;
  if (IsFolder(location.checkpoint) && HasAdapter(location.checkpoint)) {
    if (adapter) {
      throw UsageError(
          "{}: is an adapter itself; --adapter goes with the model that is its base, {}",
          location.checkpoint.string(),
          ReadAdapterInfo(location.checkpoint).base.checkpoint.string());
    }
    adapter = ReadAdapterIn(location.checkpoint);
    opened.checkpoint = BaseOf(adapter->folder, adapter->info);
  }
  if (adapter) RequireBase(adapter->folder, adapter->info, opened.checkpoint);
  opened.tokenizers = LoadRunTokenizers(location.run, opened.config.tokenizer);
  opened.trained_on = {.profile = LoadRunProfile(location.run),
                       .source_language = SourceLanguage(opened.config.data),
                       .tags = TagsOf(opened.config)};
  opened.model = BuildModel(opened.config.model, opened.tokenizers);
  const std::string origin = opened.checkpoint.string();
  FreeTensors(ParametersOf(*opened.model));  // Before the file's weights take as much room again.
  ReleaseFreedMemory();
  NamedTensors weights = ReadWeights(opened.checkpoint);
  FitPositionTables(*opened.model->position_encoding, origin, &weights);
  MoveTensors(std::move(weights), StateOf(*opened.model), origin);
  if (adapter) AddTrainedAdapter(*adapter, opened.config, &opened.model);
  opened.adapter = std::move(adapter);
  opened.model->to(device);
  opened.model->eval();
  opened.device = device;
  return opened;
}

TranslationModel ToTranslate(const TrainedModel& opened, const TranslationHelpers& helpers) {
  TranslationModel translated{.transformers = {opened.model},
                              .tokenizers = opened.tokenizers,
                              .device = opened.device,
                              .trained_on = opened.trained_on,
                              .precision = opened.config.decoding.precision,
                              .expected_metric = MakeExpectedMetric(opened.config),
                              .is_final = true};
  for (const TrainedModel& other : helpers.others) translated.transformers.push_back(other.model);
  if (!helpers.shortlist.empty()) {
    translated.shortlist =
        std::make_shared<Shortlist>(ReadShortlist(helpers.shortlist, opened.tokenizers));
  }
  return translated;
}

}  // namespace

Translator TrainedModel::MakeTranslator() const { return MakeTranslator(TranslationHelpers{}); }

Translator TrainedModel::TakeTranslator() { return TakeTranslator(TranslationHelpers{}); }

Translator TrainedModel::MakeTranslator(const TranslationHelpers& helpers) const {
  return Translator(ToTranslate(*this, helpers));
}

Translator TrainedModel::TakeTranslator(TranslationHelpers helpers) {
  TranslationModel translated = ToTranslate(*this, helpers);
  model = nullptr;
  helpers.others.clear();
  translated.is_consumed = true;
  return Translator(std::move(translated));
}

TrainedModel OpenModel(const fs::path& path, const ConfigOverrides& overrides, torch::Device device,
                       const fs::path& adapter) {
  std::optional<TrainedAdapter> added;
  if (!adapter.empty()) added = ReadAdapter(adapter);
  return ReadModelAt(path, [&](const ModelLocation& location) {
    return OpenModelAt(location, overrides, device, added);
  });
}

std::vector<TrainedModel> OpenEnsemble(const TrainedModel& first,
                                       const std::vector<fs::path>& others,
                                       const ConfigOverrides& overrides) {
  for (const ConfigOverride& typed : overrides) {
    if (others.empty() && typed.key() == "decoding.ensemble_mean") {
      throw UsageError("{}: counts only for several models; add --ensemble", typed.typed);
    }
  }
  // They search as the first one does: what their own configs say of that does not count.
  ConfigOverrides of_models = overrides;
  std::erase_if(of_models, [](const ConfigOverride& o) { return !o.key().starts_with("model."); });
  std::vector<TrainedModel> opened;
  for (const fs::path& path : others) {
    opened.push_back(OpenModel(path, of_models, first.device));
    const int64_t layers = opened.back().config.model.num_decoder_layers;
    if (first.config.decoding.attention_layer > layers) {
      throw UsageError(
          "--ensemble {}: has {} decoder layers, so decoding.attention_layer = {} does "
          "not exist there; choose one from 1 to {}",
          path.string(), layers, first.config.decoding.attention_layer, layers);
    }
    const TokenizerPair& theirs = opened.back().tokenizers;
    const auto require_same = [&](const Tokenizer& a, const Tokenizer& b, const char* side) {
      if (a.GivesSameIds(b)) return;
      throw UsageError(
          "--ensemble {}: its {} vocabulary is another one than that of {}; models can only "
          "translate together if they were trained with the same tokenizers",
          path.string(), side, first.checkpoint.string());
    };
    require_same(*first.tokenizers.source, *theirs.source, "source");
    require_same(*first.tokenizers.target, *theirs.target, "target");
  }
  return opened;
}

fs::path CheckpointOfWholeModel(const fs::path& checkpoint) {
  if (!IsFolder(checkpoint) || !HasAdapter(checkpoint)) return checkpoint;
  return BaseOf(checkpoint, ReadAdapterInfo(checkpoint));
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
