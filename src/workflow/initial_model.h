#pragma once

#include <filesystem>
#include <optional>

#include "checkpoint/named_tensors.h"
#include "config/config.h"
#include "data/tokenizer.h"
#include "workflow/adapter_info.h"

namespace wavemt {

/// Weights that exist, with which a new training begins.
struct InitialModel {
  WeightsOrigin origin;
  NamedTensors weights;
  // What trained them; nothing for a file of weights that lies in no run.
  std::optional<Config> config{};
  std::optional<TokenizerPair> tokenizers{};
};

/// What may be different in the new model.
enum class InitialFit {
  kWhole,    // The position encoding and the vocabulary.
  kPartial,  // Everything: the weights that fit are taken.
  kBase,     // Nothing: an adapter is trained beside the weights.
};

/// Reads the model that `path` names (see LocateModel() in run_directory.h), or any safetensors
/// file, for a run of `config`. A usage error if `config` describes a model in which the weights
/// would mean something else, unless `fit` allows that.
InitialModel ReadInitialModel(const std::filesystem::path& path, const Config& config,
                              InitialFit fit);

/// The base of an adapter, again, for a training that goes on; `moved`: what it is named now,
/// empty: as before. A usage error if it is not there, or no longer what it was.
InitialModel ReadBaseAgain(const WeightsOrigin& origin, const std::filesystem::path& moved,
                           const Config& config);

/// The tokenizers of the new run: those that the initial model was trained with and, if `config`
/// names others, these. In the first case the config's settings of the tokenizer become those of
/// the initial model. A usage error if neither is known.
TokenizerPair TakeTokenizers(const InitialModel& initial, InitialFit fit, Config* config);

}  // namespace wavemt
