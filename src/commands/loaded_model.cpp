#include "commands/loaded_model.h"

#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_checksums.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors.h"
#include "config/config_reader.h"
#include "evaluation/bleu_tokenizer.h"
#include "support/decompressor.h"
#include "support/files.h"

namespace fs = std::filesystem;

namespace wavemt {

Config LoadRunConfig(const fs::path& run, const ConfigOverrides& overrides) {
  return ReadConfig(ReadRunFile(run, "config.json"), run / "config.json", overrides,
                    DefaultsOfEarlierRuns());
}

TextOptions TextOptionsOf(const TokenizerConfig& config) {
  return {.normalize_whitespace = config.normalize_whitespace};
}

TokenizerPair LoadRunTokenizers(const fs::path& run, const TokenizerConfig& config) {
  const auto load = [&](const std::string& name) {
    return Tokenizer::FromBytes(ReadRunFile(run, name), (run / name).string(),
                                TextOptionsOf(config));
  };
  if (Exists(run / "tokenizer.model")) {
    const auto tokenizer = load("tokenizer.model");
    return {.source = tokenizer, .target = tokenizer};
  }
  return {.source = load("source.model"), .target = load("target.model")};
}

std::optional<CorpusProfile> LoadRunProfile(const fs::path& run) {
  const std::string name(kCorpusProfileFile);
  if (!HasRunFile(run, name)) return std::nullopt;
  return ParseCorpusProfile(ReadRunFile(run, name), (run / name).string());
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

LoadedModel LoadLocated(const ModelLocation& location, const ConfigOverrides& overrides,
                        torch::Device device) {
  LoadedModel loaded;
  loaded.config = LoadRunConfig(location.run, overrides);
  loaded.checkpoint = location.checkpoint;
  loaded.tokenizers = LoadRunTokenizers(location.run, loaded.config.tokenizer);
  loaded.trained_on = {.profile = LoadRunProfile(location.run),
                       .source_language = SourceLanguage(loaded.config.data)};
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

LoadedModel LoadModel(const fs::path& path, const ConfigOverrides& overrides,
                      torch::Device device) {
  return ReadModelAt(path, [&](const ModelLocation& location) {
    return LoadLocated(location, overrides, device);
  });
}

namespace {

std::string LanguageOf(const std::string& named, const std::vector<fs::path>& files) {
  if (!named.empty() || files.empty()) return named;
  fs::path name = files.front().filename();
  if (FormatOfExtension(name.extension().string()) != nullptr) name = name.stem();
  const std::string extension = name.extension().string();
  return extension.empty() ? "" : extension.substr(1);
}

}  // namespace

std::string SourceLanguage(const DataConfig& data) {
  return LanguageOf(data.source_language, data.train.source);
}

std::string TargetLanguage(const DataConfig& data) {
  return LanguageOf(data.target_language, data.train.target);
}

EvaluationTokenizer BleuTokenizer(const Config& config) {
  return config.evaluation.tokenize == EvaluationTokenizer::kAuto
             ? TokenizerForLanguage(TargetLanguage(config.data))
             : config.evaluation.tokenize;
}

}  // namespace wavemt
