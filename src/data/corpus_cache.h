#pragma once

#include <filesystem>
#include <memory>

#include "config/config.h"
#include "data/cached_corpus.h"
#include "data/corpus_origin.h"
#include "data/corpus_tokenizer.h"
#include "data/tokenizer.h"

namespace wavemt {

/// The cache file in a folder for the token ids of one corpus. It belongs to the corpus's files,
/// the tokenizers and the longest sentence allowed.
class CorpusCache {
 public:
  /// Writes nothing. The arguments must outlive the object.
  CorpusCache(const TrainingCorpus& text, const TokenizerPair& tokenizers,
              const TokenizeOptions& options, const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return path_; }

  /// Returns the corpus, or null if there is no undamaged cache of the same text. Logs that it was
  /// found, or why it cannot be used.
  std::unique_ptr<const CachedCorpus> Find();

  /// Finds the corpus or builds it. Several processes may call this at once: one builds, the others
  /// wait. Removes what a killed process left. Leaves nothing behind if the text is refused or
  /// writing fails.
  std::unique_ptr<const CachedCorpus> FindOrBuild();

 private:
  std::unique_ptr<const CachedCorpus> Open();
  bool IsFromSameText(const CorpusOrigin& other);
  void Build();

  const TrainingCorpus& text_;
  const TokenizerPair& tokenizers_;
  const TokenizeOptions& options_;
  CorpusOrigin origin_;  // `contents` is filled in when it is needed.
  std::filesystem::path path_;
};

}  // namespace wavemt
