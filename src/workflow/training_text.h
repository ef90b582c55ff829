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
  std::string key;            // Of its scores in logs: "valid", "valid/news", "test/news".
  std::string description;    // For messages: "data.valid (news)".
  std::string source_prefix;  // Before each source sentence.
  std::unique_ptr<const TokenizedCorpus> corpus;
  std::shared_ptr<const ReferenceText> lines;  // For translating, without the prefix.
};

/// The text of a training.
struct TrainingText {
  std::unique_ptr<const TokenizedCorpus> train;
  CorpusProfile profile;  // Of `train`.
  /// The sets of data.valid, then those of data.test that have names. Empty without data.valid.
  std::vector<HeldOutText> held_out;
};

/// How the text of a training is loaded.
struct LoadingOptions {
  /// Where the token ids of a large training corpus are cached between program runs: by default in
  /// a folder next to the run; see data.cache_dir.
  std::filesystem::path run;
  bool may_write = true;  // False: an existing cache is used, but nothing is written.
  /// Whether to say how much of data.valid and data.test is in data.train as well.
  bool finds_overlap = false;
};

/// Reads, checks, tokenizes and counts the corpora of data.train, and logs a summary of each. The
/// result is a CorpusMixture if there are several, if their sentences have weights, or if their
/// text is kept.
LoadedCorpus LoadTrainingPairs(const Config& config, const TokenizerPair& tokenizers,
                               const LoadingOptions& options);

/// The prefix of a held-out text's source sentences.
std::string SourcePrefixOf(const HeldOutCorpus& corpus, const Config& config);

/// Reads, checks, tokenizes and counts all text of `config`, and logs a summary of each corpus.
TrainingText LoadTrainingText(const Config& config, const TokenizerPair& tokenizers,
                              const LoadingOptions& options);

}  // namespace wavemt
