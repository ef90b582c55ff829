#include "commands/loaded_model.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "checkpoint/safetensors.h"
#include "config/config_reader.h"
#include "evaluation/bleu_tokenizer.h"

namespace fs = std::filesystem;

namespace wavemt {

TokenizerPair LoadRunTokenizers(const fs::path& run) {
  const fs::path shared = run / "tokenizer.model";
  if (fs::exists(shared)) {
    const auto tokenizer = Tokenizer::FromFile(shared);
    return {.source = tokenizer, .target = tokenizer};
  }
  return {.source = Tokenizer::FromFile(run / "source.model"),
          .target = Tokenizer::FromFile(run / "target.model")};
}

NamedTensors ReadWeights(const fs::path& checkpoint) {
  return fs::is_directory(checkpoint) ? ReadCheckpointModel(checkpoint)
                                      : ReadSafetensors(checkpoint);
}

namespace {

LoadedModel LoadLocated(const ModelLocation& location, const std::vector<std::string>& overrides,
                        torch::Device device) {
  LoadedModel loaded;
  loaded.config = LoadConfig(location.run / "config.json", overrides);
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
