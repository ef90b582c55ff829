#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/corpus_profile.h"
#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"

namespace wavemt {

/// Sentences with their translations by people.
struct ReferenceText {
  std::vector<std::string> sources;
  std::vector<std::string> references;
};

/// The text that a training works on.
struct TrainingText {
  std::unique_ptr<const TokenizedCorpus> train;
  CorpusProfile profile;                             // Of `train`.
  std::unique_ptr<const TokenizedCorpus> valid;      // Null: none.
  std::shared_ptr<const ReferenceText> valid_lines;  // Of `valid`, to translate; null: none.
};

/// Where the token ids of a large training corpus lie from one start to the next.
struct TokenCache {
  std::filesystem::path run;  // The cache lies beside it unless data.cache_dir says where.
  bool may_write = true;      // False: what is there is used, but nothing is written.
};

/// Reads, checks, tokenizes and counts all text of `config`, with a line of summary for each file.
TrainingText LoadTrainingText(const Config& config, const TokenizerPair& tokenizers,
                              const TokenCache& cache);

}  // namespace wavemt
