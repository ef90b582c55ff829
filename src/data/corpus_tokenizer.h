#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/cleaning/pair_problems.h"
#include "data/corpus.h"
#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"

namespace wavemt {

/// How many pairs of a corpus were kept, and why the others were not.
struct CorpusCounts {
  int64_t read = 0;
  int64_t empty = 0;              // Skipped because a side is blank.
  int64_t too_long = 0;           // Skipped because a side exceeds the limit.
  int64_t zero_weight = 0;        // Skipped because their weight is 0.
  int64_t several_sentences = 0;  // Kept pairs with more than one source sentence.
  /// Left out by TrainingCorpus::filter, by the first of the problems that it removes.
  std::array<int64_t, kPairProblems.size()> filtered{};

  int64_t kept() const;
  void Add(const CorpusCounts& other);
  /// "29,000 pairs: 28,990 used, 3 skipped with a blank side, 7 skipped over 100 tokens"
  std::string Summary(int64_t max_length) const;
};

struct TokenizeOptions {
  int64_t max_length = 0;
  int num_threads = 1;
  std::string name;               // "data.train", for messages.
  std::string source_language{};  // As SentenceSplitter takes it.
  std::string target_language{};
  bool keeps_text = false;  // Passes the text of each pair on as well.
  /// Called with every pair that is read from the text (none where a cache of its ids is used), in
  /// file order, on the calling thread. May be empty.
  std::function<void(const SentencePair&)> on_pair{};
};

/// Receives the ids of one pair, and its text if that is kept.
using PairSink = std::function<void(const TokenizedPair&)>;

/// Reads and tokenizes a corpus on `num_threads` threads, and passes the pairs to `sink` on the
/// calling thread, in file order. Pairs with a blank side or with more than `max_length` tokens on
/// a side, the source's prefix included, are skipped and counted, as are those that the corpus's
/// filter leaves out. Apart from the fingerprints that PairFilter::remove_duplicates keeps, the
/// memory needed does not grow with the corpus. Throws a usage error if no pair is left.
CorpusCounts TokenizeCorpus(const TrainingCorpus& text, const TokenizerPair& tokenizers,
                            const TokenizeOptions& options, const PairSink& sink);

}  // namespace wavemt
