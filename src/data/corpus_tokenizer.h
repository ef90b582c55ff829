#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "config/config.h"
#include "data/corpus.h"
#include "data/tokenizer.h"

namespace wavemt {

/// How many pairs of a corpus were kept, and why the others were not.
struct CorpusCounts {
  int64_t read = 0;
  int64_t empty = 0;              // Skipped because a side is blank.
  int64_t too_long = 0;           // Skipped because a side exceeds the limit.
  int64_t several_sentences = 0;  // Kept pairs with more than one source sentence.

  int64_t kept() const { return read - empty - too_long; }
  /// "29,000 pairs: 28,990 used, 3 skipped with a blank side, 7 skipped over 100 tokens"
  std::string Summary(int64_t max_length) const;
};

struct TokenizeOptions {
  int64_t max_length = 0;
  int num_threads = 1;
  std::string name;               // "data.train", for messages.
  std::string source_language{};  // As SentenceSplitter takes it.
  /// Called with every pair that is read from the text (none where a cache of its ids is used), in
  /// file order, on the calling thread. May be empty.
  std::function<void(const SentencePair&)> on_pair{};
};

/// Receives the ids of one pair.
using PairSink =
    std::function<void(std::span<const int32_t> source, std::span<const int32_t> target)>;

/// Reads and tokenizes a corpus on `num_threads` threads, and passes the pairs to `sink` on the
/// calling thread, in file order. Pairs with a blank side or with more than `max_length` tokens on
/// a side are skipped and counted. The memory needed does not grow with the corpus. Throws a usage
/// error if no pair is left.
CorpusCounts TokenizeCorpus(const ParallelFiles& files, const TokenizerPair& tokenizers,
                            const TokenizeOptions& options, const PairSink& sink);

}  // namespace wavemt
