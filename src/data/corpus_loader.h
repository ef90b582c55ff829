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
  std::filesystem::path cache_dir{};  // Where a cache is or comes; empty: none.
  bool cache_small = false;           // Also of a corpus that memory holds easily.
  bool may_write = true;              // False: a cache that is there is used, but none is made.
};

/// The token ids of a corpus: those of a small one in memory, those of a large one in a cache in
/// `cache_dir`, which is built unless a good one of the same text, tokenizers and longest sentence
/// is there. Says which in the log. Several processes may build the same cache at once: the first
/// does it, the others wait.
LoadedCorpus LoadCorpus(const ParallelFiles& files, const TokenizerPair& tokenizers,
                        const LoadOptions& options);

}  // namespace wavemt
