#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/corpus_loader.h"
#include "data/corpus_profile.h"
#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"

namespace wavemt {

/// Sentences with their human translations.
struct ReferenceText {
  std::vector<std::string> sources;
  std::vector<std::string> references;
};

/// A text on which validations measure the model.
struct HeldOutText {
  std::string key;          // Of its scores in logs: "valid", "valid/news", "test/news".
  std::string description;  // For messages: "data.valid (news)".
  std::unique_ptr<const TokenizedCorpus> corpus;
  std::shared_ptr<const ReferenceText> lines;  // For translating.
};

/// The text of a training.
struct TrainingText {
  std::unique_ptr<const TokenizedCorpus> train;
  CorpusProfile profile;  // Of `train`.
  /// The sets of data.valid, then those of data.test that have names. Empty without data.valid.
  std::vector<HeldOutText> held_out;
};

/// Where the token ids of a large training corpus are cached between program runs.
struct TokenCache {
  std::filesystem::path run;  // The default cache folder is next to it; see data.cache_dir.
  bool may_write = true;      // False: an existing cache is used, but nothing is written.
};

/// Reads, checks, tokenizes and counts data.train, and logs a summary.
LoadedCorpus LoadTrainingPairs(const Config& config, const TokenizerPair& tokenizers,
                               const TokenCache& cache);

/// Reads, checks, tokenizes and counts all text of `config`, and logs a summary of each corpus.
TrainingText LoadTrainingText(const Config& config, const TokenizerPair& tokenizers,
                              const TokenCache& cache);

}  // namespace wavemt
