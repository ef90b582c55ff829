#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <optional>

#include "checkpoint/named_tensors.h"
#include "checkpoint/run_directory.h"
#include "config/config.h"
#include "config/config_overrides.h"
#include "data/tokenizer.h"
#include "decoding/translator.h"
#include "model/transformer.h"
#include "workflow/adapter_info.h"

namespace wavemt {

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

  /// `shortlist`: a file of LearnShortlist(); empty: none.
  Translator MakeTranslator(const std::filesystem::path& shortlist = {}) const;
  /// The same in less memory: takes the model away, and frees the weights that have been prepared.
  Translator TakeTranslator(const std::filesystem::path& shortlist = {});
};

/// Opens the model that `path` names (see LocateModel() in run_directory.h), with `overrides`
/// applied to the run's config. If an adapter is there, opens its base with it. `adapter` names an
/// adapter for a model (see ReadAdapter() in adapter_info.h); empty: none. LoRA is merged into
/// the weights, so that it costs nothing.
TrainedModel OpenModel(const std::filesystem::path& path, const ConfigOverrides& overrides = {},
                       torch::Device device = torch::kCPU,
                       const std::filesystem::path& adapter = {});

/// The config of a model with `overrides` applied. A usage error if they ask for another model than
/// that which was trained; more positions and another rotary_base are allowed.
Config LoadTrainedConfig(const ModelLocation& location, const ConfigOverrides& overrides);

/// `checkpoint`, or the base of the adapter that it holds.
std::filesystem::path CheckpointOfWholeModel(const std::filesystem::path& checkpoint);

/// The weights of a checkpoint's folder, which may be those of an adapter, or of a single
/// safetensors file.
NamedTensors ReadWeights(const std::filesystem::path& checkpoint);

}  // namespace wavemt
