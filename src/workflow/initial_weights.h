#pragma once

#include <filesystem>
#include <string>

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

/// Reads the model that `path` names (see LocateModel() in run_directory.h).
InitialModel ReadInitialModel(const std::filesystem::path& path);

/// The tokenizers of a run that begins with the weights of `initial`: those it was trained with. A
/// usage error if `config` names others.
TokenizerPair TokenizersOfInitialModel(const Config& config, const InitialModel& initial);

/// Copies the weights of `initial` into `model`, all but those of a position encoding that the
/// models do not have in common: these stay as they were drawn, or are left behind. Logs which. A
/// usage error if anything else does not fit.
void TakeWeights(const InitialModel& initial, Transformer* model);

}  // namespace wavemt
