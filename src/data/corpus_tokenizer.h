#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "config/config.h"
#include "data/corpus.h"
#include "data/tokenizer.h"

namespace wavemt {

/// What became of the lines of a corpus.
struct CorpusCounts {
  int64_t read = 0;
  int64_t empty = 0;              // Skipped: one side at least is blank.
  int64_t too_long = 0;           // Skipped: one side at least is longer than the limit.
  int64_t several_sentences = 0;  // Kept, with more than one sentence on the source side.

  int64_t kept() const { return read - empty - too_long; }
  /// "29,000 pairs: 28,990 used, 3 skipped with a blank side, 7 skipped over 100 tokens"
  std::string Summary(int64_t max_length) const;
};

struct TokenizeOptions {
  int64_t max_length = 0;
  int num_threads = 1;
  std::string name;               // "data.train": begins messages.
  std::string source_language{};  // As SentenceSplitter takes it.
  /// Is given every pair as it is read, in file order, on the calling thread. May be empty.
  std::function<void(const SentencePair&)> on_pair{};
};

/// Takes the ids of one pair.
using PairSink =
    std::function<void(std::span<const int32_t> source, std::span<const int32_t> target)>;

/// Reads and tokenizes a corpus on `num_threads` threads, and gives the pairs to `sink` on the
/// calling thread, in file order. Pairs with a blank side or more than `max_length` tokens on a
/// side are skipped and counted. The text passes through: what is in memory does not grow with the
/// corpus. A usage error if no pair is left.
CorpusCounts TokenizeCorpus(const ParallelFiles& files, const TokenizerPair& tokenizers,
                            const TokenizeOptions& options, const PairSink& sink);

}  // namespace wavemt
