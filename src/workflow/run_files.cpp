#include "workflow/run_files.h"

#include "checkpoint/run_checksums.h"
#include "config/config_reader.h"
#include "config/config_writer.h"
#include "support/files.h"
#include "workflow/tokenizers.h"

namespace fs = std::filesystem;

namespace wavemt {

std::map<std::string, std::string> RunFiles(const Config& config, const TokenizerPair& tokenizers,
                                            const CorpusProfile& profile) {
  std::map<std::string, std::string> files = {
      {"config.json", ConfigText(config)},
      {std::string(kCorpusProfileFile), CorpusProfileText(profile)}};
  if (tokenizers.shared()) {
    files["tokenizer.model"] = tokenizers.source->bytes();
  } else {
    files["source.model"] = tokenizers.source->bytes();
    files["target.model"] = tokenizers.target->bytes();
  }
  return files;
}

Config LoadRunConfig(const fs::path& run, const ConfigOverrides& overrides) {
  return ReadConfig(ReadRunFile(run, "config.json"), run / "config.json", overrides,
                    DefaultsOfEarlierRuns());
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

std::map<std::string, std::string> ReadTokenizerFiles(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const std::string name : {"tokenizer.model", "source.model", "target.model"}) {
    if (HasRunFile(run, name)) files[name] = ReadRunFile(run, name);
  }
  return files;
}

std::optional<CorpusProfile> LoadRunProfile(const fs::path& run) {
  const std::string name(kCorpusProfileFile);
  if (!HasRunFile(run, name)) return std::nullopt;
  return ParseCorpusProfile(ReadRunFile(run, name), (run / name).string());
}

}  // namespace wavemt
