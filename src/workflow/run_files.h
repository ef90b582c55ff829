#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "config/config.h"
#include "config/config_overrides.h"
#include "data/corpus_profile.h"
#include "data/tokenizer.h"
#include "workflow/weights_origin.h"

namespace wavemt {

// The files in a run's folder besides its checkpoints, as text and parsed. Reading one is a usage
// error if its contents are not what the run wrote (see run_checksums.h).

/// The vocabulary beside the tokenizers of a run that has one (see tokenizer.vocabulary).
inline constexpr const char* kVocabularyFile = "vocabulary.json";

/// The files of a run that hold its tokenizers, by name.
std::map<std::string, std::string> TokenizerFiles(const TokenizerPair& tokenizers);

/// The files of a new run, by name. `profile`: nothing if the text it was trained on is unknown;
/// `origin`: the weights that it begins with; nothing: they are drawn.
std::map<std::string, std::string> RunFiles(const Config& config, const TokenizerPair& tokenizers,
                                            const std::optional<CorpusProfile>& profile,
                                            const std::optional<WeightsOrigin>& origin = {});

/// The config of a run, with `overrides` applied.
Config LoadRunConfig(const std::filesystem::path& run, const ConfigOverrides& overrides = {});

/// The tokenizers of a run; `config` says how they read text.
TokenizerPair LoadRunTokenizers(const std::filesystem::path& run, const TokenizerConfig& config);

/// The files that LoadRunTokenizers() reads, by name.
std::map<std::string, std::string> ReadTokenizerFiles(const std::filesystem::path& run);

/// The weights that the run began with; nothing if they were drawn.
std::optional<WeightsOrigin> LoadRunOrigin(const std::filesystem::path& run);

/// The contents of the run's corpus.json; nothing for runs of versions before 0.2.0.
std::optional<CorpusProfile> LoadRunProfile(const std::filesystem::path& run);

}  // namespace wavemt
