#pragma once

#include <filesystem>
#include <memory>

#include "config/config.h"
#include "data/corpus_tokenizer.h"
#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"

namespace wavemt {

struct LoadedCorpus {
  std::unique_ptr<const TokenizedCorpus> corpus;
  CorpusCounts counts;
};

struct LoadOptions {
  TokenizeOptions tokenize;
  std::filesystem::path cache_dir{};  // The folder for caches; empty: no cache.
  bool cache_small = false;           // Caches even a corpus that easily fits into memory.
  bool may_write = true;              // If false, uses an existing cache but creates none.
};

/// Returns the token ids of a corpus: in memory if it is small, otherwise from a cache in
/// `cache_dir`, which is built unless an undamaged one of the same text, tokenizers, tags, filter
/// and longest sentence exists. Logs which. Several processes may build the same cache at once: the
/// first builds it, the others wait.
LoadedCorpus LoadCorpus(const TrainingCorpus& text, const TokenizerPair& tokenizers,
                        const LoadOptions& options);

}  // namespace wavemt
