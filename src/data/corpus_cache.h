#pragma once

#include <filesystem>
#include <memory>

#include "config/config.h"
#include "data/cached_corpus.h"
#include "data/corpus_origin.h"
#include "data/corpus_tokenizer.h"
#include "data/tokenizer.h"

namespace wavemt {

/// The place in a folder for the token ids of one corpus by given tokenizers and longest sentence.
class CorpusCache {
 public:
  /// Nothing is written yet. The arguments must outlive this.
  CorpusCache(const ParallelFiles& files, const TokenizerPair& tokenizers,
              const TokenizeOptions& options, const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return path_; }

  /// The corpus, if it is there whole and its text is still the same; else null. Says in the log
  /// that it was found, or why not.
  std::unique_ptr<const CachedCorpus> Find();

  /// Finds the corpus or builds it. Several processes may do so at once: one builds, the others
  /// wait for it. What a killed process left is removed; where the text is refused or writing
  /// fails, nothing stays.
  std::unique_ptr<const CachedCorpus> FindOrBuild();

 private:
  std::unique_ptr<const CachedCorpus> Open();
  bool IsFromSameText(const CorpusOrigin& other);
  void Build();

  const ParallelFiles& files_;
  const TokenizerPair& tokenizers_;
  const TokenizeOptions& options_;
  CorpusOrigin origin_;  // Contents are added when they are needed.
  std::filesystem::path path_;
};

}  // namespace wavemt
