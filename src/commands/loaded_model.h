#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <optional>
#include <string>

#include "checkpoint/named_tensors.h"
#include "config/config.h"
#include "config/config_overrides.h"
#include "data/corpus_profile.h"
#include "data/tokenizer.h"
#include "decoding/translator.h"
#include "model/transformer.h"

namespace wavemt {

/// A trained model with all that translating by it takes.
struct LoadedModel {
  Config config;
  std::filesystem::path checkpoint;  // Where the weights were read from.
  TokenizerPair tokenizers;
  Transformer model{nullptr};  // On the device that was asked for.
  TrainedOn trained_on;
};

/// Loads what `path` names (see LocateModel() in run_directory.h), with `overrides` put over the
/// run's config.
LoadedModel LoadModel(const std::filesystem::path& path, const ConfigOverrides& overrides,
                      torch::Device device);

/// The config of a run, with `overrides` put over it. A usage error where it is not the one that
/// the run wrote (see run_checksums.h), and so of the tokenizers.
Config LoadRunConfig(const std::filesystem::path& run, const ConfigOverrides& overrides = {});

/// How a config reads text.
TextOptions TextOptionsOf(const TokenizerConfig& config);

/// The tokenizers that lie in a run's folder; `config` says how text is read.
TokenizerPair LoadRunTokenizers(const std::filesystem::path& run, const TokenizerConfig& config);

/// What the run's corpus.json says; nothing for a run of a version before 0.2.0.
std::optional<CorpusProfile> LoadRunProfile(const std::filesystem::path& run);

/// The weights of a checkpoint's folder or of a single safetensors file.
NamedTensors ReadWeights(const std::filesystem::path& checkpoint);

/// "en": data.source_language or, where that is empty, the extension of the training text.
std::string SourceLanguage(const DataConfig& data);
/// "zh": data.target_language or, where that is empty, the extension of the training text.
std::string TargetLanguage(const DataConfig& data);

/// The config's tokenizer for BLEU, with auto decided by the target language.
EvaluationTokenizer BleuTokenizer(const Config& config);

}  // namespace wavemt
