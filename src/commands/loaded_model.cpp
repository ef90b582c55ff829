#include "commands/loaded_model.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_checksums.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors.h"
#include "config/config_reader.h"
#include "evaluation/bleu_tokenizer.h"
#include "support/files.h"

namespace fs = std::filesystem;

namespace wavemt {

Config LoadRunConfig(const fs::path& run, const std::vector<std::string>& overrides) {
  return ReadConfig(ReadRunFile(run, "config.json"), run / "config.json", overrides);
}

TokenizerPair LoadRunTokenizers(const fs::path& run) {
  const auto load = [&](const std::string& name) {
    return Tokenizer::FromBytes(ReadRunFile(run, name), (run / name).string());
  };
  if (Exists(run / "tokenizer.model")) {
    const auto tokenizer = load("tokenizer.model");
    return {.source = tokenizer, .target = tokenizer};
  }
  return {.source = load("source.model"), .target = load("target.model")};
}

NamedTensors ReadWeights(const fs::path& checkpoint) {
  if (IsFolder(checkpoint)) return ReadCheckpointModel(checkpoint);
  const fs::path folder = checkpoint.parent_path();
  // The model of a checkpoint has its checksum there.
  if (checkpoint.filename() == kModelFile && Exists(folder / kManifestFile)) {
    return ReadCheckpointModel(folder);
  }
  return ReadSafetensors(checkpoint);
}

namespace {

LoadedModel LoadLocated(const ModelLocation& location, const std::vector<std::string>& overrides,
                        torch::Device device) {
  LoadedModel loaded;
  loaded.config = LoadRunConfig(location.run, overrides);
  loaded.checkpoint = location.checkpoint;
  loaded.tokenizers = LoadRunTokenizers(location.run);
  loaded.model = Transformer(loaded.config.model,
                             VocabularySizes{.source = loaded.tokenizers.source->vocab_size(),
                                             .target = loaded.tokenizers.target->vocab_size()});
  CopyTensors(ReadWeights(location.checkpoint), StateOf(*loaded.model),
              location.checkpoint.string());
  loaded.model->to(device);
  loaded.model->eval();
  return loaded;
}

}  // namespace

LoadedModel LoadModel(const fs::path& path, const std::vector<std::string>& overrides,
                      torch::Device device) {
  return ReadModelAt(path, [&](const ModelLocation& location) {
    return LoadLocated(location, overrides, device);
  });
}

std::string TargetLanguage(const DataConfig& data) {
  if (!data.target_language.empty() || data.train.target.empty()) return data.target_language;
  fs::path name = data.train.target.front().filename();
  if (name.extension() == ".gz") name = name.stem();
  const std::string extension = name.extension().string();
  return extension.empty() ? "" : extension.substr(1);
}

EvaluationTokenizer BleuTokenizer(const Config& config) {
  return config.evaluation.tokenize == EvaluationTokenizer::kAuto
             ? TokenizerForLanguage(TargetLanguage(config.data))
             : config.evaluation.tokenize;
}

}  // namespace wavemt
