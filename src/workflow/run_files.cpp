#include "workflow/run_files.h"

#include "checkpoint/run_checksums.h"
#include "config/config_reader.h"
#include "config/config_writer.h"
#include "support/error.h"
#include "support/files.h"
#include "support/json.h"
#include "workflow/tokenizers.h"

namespace fs = std::filesystem;

namespace wavemt {

namespace {

constexpr const char* kOriginFile = "origin.json";
constexpr const char* kInitialCheckpoint = "initial_checkpoint";

}  // namespace

std::map<std::string, std::string> TokenizerFiles(const TokenizerPair& tokenizers) {
  std::map<std::string, std::string> files;
  if (tokenizers.shared()) {
    files["tokenizer.model"] = tokenizers.source->bytes();
  } else {
    files["source.model"] = tokenizers.source->bytes();
    files["target.model"] = tokenizers.target->bytes();
  }
  if (const auto& vocabulary = tokenizers.source->vocabulary()) {
    files[kVocabularyFile] = vocabulary->bytes();
  }
  return files;
}

std::map<std::string, std::string> RunFiles(const Config& config, const TokenizerPair& tokenizers,
                                            const std::optional<CorpusProfile>& profile,
                                            const std::optional<WeightsOrigin>& origin) {
  std::map<std::string, std::string> files = {{"config.json", ConfigText(config)}};
  if (profile) files[std::string(kCorpusProfileFile)] = CorpusProfileText(*profile);
  if (origin) {
    files[kOriginFile] = JsonText({{kInitialCheckpoint, origin->checkpoint.string()},
                                   {"bytes", origin->digest.bytes},
                                   {"crc32", origin->digest.crc32}});
  }
  files.merge(TokenizerFiles(tokenizers));
  return files;
}

Config LoadRunConfig(const fs::path& run, const ConfigOverrides& overrides) {
  return ReadConfig(ReadRunFile(run, "config.json"), run / "config.json", overrides,
                    {.defaults = DefaultsOfEarlierRuns(), .may_lack_training_text = true});
}

TokenizerPair LoadRunTokenizers(const fs::path& run, const TokenizerConfig& config) {
  std::shared_ptr<const Vocabulary> vocabulary;
  if (!config.vocabulary.empty()) {
    vocabulary =
        Vocabulary::FromBytes(ReadRunFile(run, kVocabularyFile), (run / kVocabularyFile).string());
  }
  const auto load = [&](const std::string& name) {
    return Tokenizer::FromBytes(ReadRunFile(run, name), (run / name).string(),
                                TextOptionsOf(config), vocabulary);
  };
  if (Exists(run / "tokenizer.model")) {
    const auto tokenizer = load("tokenizer.model");
    return {.source = tokenizer, .target = tokenizer};
  }
  return {.source = load("source.model"), .target = load("target.model")};
}

std::map<std::string, std::string> ReadTokenizerFiles(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const std::string name :
       {"tokenizer.model", "source.model", "target.model", kVocabularyFile}) {
    if (HasRunFile(run, name)) files[name] = ReadRunFile(run, name);
  }
  return files;
}

std::optional<WeightsOrigin> LoadRunOrigin(const fs::path& run) {
  if (!HasRunFile(run, kOriginFile)) return std::nullopt;
  const std::string origin = (run / kOriginFile).string();
  const Json json = ParseJson(ReadRunFile(run, kOriginFile), origin);
  if (!json.is_object() || !json.contains(kInitialCheckpoint) ||
      !json[kInitialCheckpoint].is_string()) {
    throw UsageError("{}: does not say which checkpoint the run began with", origin);
  }
  WeightsOrigin weights{.checkpoint = json[kInitialCheckpoint].get<std::string>(), .digest = {}};
  const Json bytes = json.value("bytes", Json());
  const Json crc32 = json.value("crc32", Json());
  if (bytes.is_number_integer()) weights.digest.bytes = bytes.get<int64_t>();
  if (crc32.is_string()) weights.digest.crc32 = crc32.get<std::string>();
  return weights;
}

std::optional<CorpusProfile> LoadRunProfile(const fs::path& run) {
  const std::string name(kCorpusProfileFile);
  if (!HasRunFile(run, name)) return std::nullopt;
  return ParseCorpusProfile(ReadRunFile(run, name), (run / name).string());
}

}  // namespace wavemt
