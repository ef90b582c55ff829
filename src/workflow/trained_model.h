#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "checkpoint/named_tensors.h"
#include "checkpoint/run_directory.h"
#include "config/config.h"
#include "config/config_overrides.h"
#include "data/tokenizer.h"
#include "decoding/translator.h"
#include "model/transformer.h"
#include "workflow/adapter_info.h"

namespace wavemt {

struct TranslationHelpers;

/// A trained model with everything needed to translate with it.
struct TrainedModel {
  Config config;
  std::filesystem::path run;                // The folder with its config and tokenizers.
  std::filesystem::path checkpoint;         // The folder or file that the weights were read from.
  std::optional<TrainedAdapter> adapter{};  // Is in the weights already, if it is LoRA.
  TokenizerPair tokenizers;
  Transformer model{nullptr};  // On `device`, in evaluation mode.
  torch::Device device = torch::kCPU;
  TrainedOn trained_on;

  Translator MakeTranslator() const;
  Translator MakeTranslator(const TranslationHelpers& helpers) const;
  /// The same in less memory: takes the models away, and frees the weights that have been prepared.
  Translator TakeTranslator();
  Translator TakeTranslator(TranslationHelpers helpers);
};

/// What translates besides a model.
struct TranslationHelpers {
  std::filesystem::path shortlist{};   // A file of LearnShortlist(); empty: none.
  std::vector<TrainedModel> others{};  // Those of an ensemble with it; see OpenEnsemble().
};

/// Opens the model that `path` names (see LocateModel() in run_directory.h), with `overrides`
/// applied to the run's config. If an adapter is there, opens its base with it. `adapter` names an
/// adapter for a model (see ReadAdapter() in adapter_info.h); empty: none. LoRA is merged into
/// the weights, so that it costs nothing.
TrainedModel OpenModel(const std::filesystem::path& path, const ConfigOverrides& overrides = {},
                       torch::Device device = torch::kCPU,
                       const std::filesystem::path& adapter = {});

/// Opens the models that translate together with `first`. A usage error if one has another
/// vocabulary, or if there are none and `overrides` say how they shall agree.
std::vector<TrainedModel> OpenEnsemble(const TrainedModel& first,
                                       const std::vector<std::filesystem::path>& others,
                                       const ConfigOverrides& overrides);

/// The config of a model with `overrides` applied. A usage error if they ask for another model than
/// that which was trained; more positions and another rotary_base are allowed.
Config LoadTrainedConfig(const ModelLocation& location, const ConfigOverrides& overrides);

/// `checkpoint`, or the base of the adapter that it holds.
std::filesystem::path CheckpointOfWholeModel(const std::filesystem::path& checkpoint);

/// The weights of a checkpoint's folder, which may be those of an adapter, or of a single
/// safetensors file.
NamedTensors ReadWeights(const std::filesystem::path& checkpoint);

}  // namespace wavemt
