#pragma once

#include <filesystem>

#include "checkpoint/named_tensors.h"
#include "config/config.h"
#include "data/tokenizer.h"
#include "model/transformer.h"

namespace wavemt {

/// A trained model whose weights a new run begins with.
struct InitialModel {
  std::filesystem::path checkpoint;  // The folder or file that the weights were read from.
  Config config;
  TokenizerPair tokenizers;
  NamedTensors weights;
};

/// Reads the model that `path` names (see LocateModel() in run_directory.h), for a run of `config`.
/// A usage error if `config` describes another model; its position encoding may differ.
InitialModel ReadInitialModel(const std::filesystem::path& path, const Config& config);

/// The tokenizers that the initial model was trained with. If `config` names none, its settings of
/// the tokenizer become those of the initial model. A usage error if it names others.
TokenizerPair TakeTokenizers(const InitialModel& initial, Config* config);

/// Copies the weights of `initial` into `model`, all but those of a position encoding that the
/// models do not have in common: these stay as they were drawn, or are left behind. Of tables of
/// different length, the positions that both have are copied. Logs all this.
void TakeWeights(const InitialModel& initial, const ModelConfig& config, Transformer* model);

}  // namespace wavemt
