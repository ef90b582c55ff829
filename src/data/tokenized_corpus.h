#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/tokenizer.h"

namespace wavemt {

/// A parallel corpus as token ids, without sentence marks.
class TokenizedCorpus {
 public:
  /// Number of pairs.
  int64_t size() const { return static_cast<int64_t>(source_.ends.size()); }
  std::span<const int32_t> source(int64_t pair) const { return source_.Sentence(pair); }
  std::span<const int32_t> target(int64_t pair) const { return target_.Sentence(pair); }

  void Add(std::span<const int32_t> source, std::span<const int32_t> target);

 private:
  // All sentences of a side behind each other: no allocation a sentence.
  struct Side {
    std::vector<int32_t> ids;
    std::vector<uint64_t> ends;

    std::span<const int32_t> Sentence(int64_t pair) const;
    void Add(std::span<const int32_t> sentence);
  };

  Side source_;
  Side target_;
};

/// What became of the lines of a corpus.
struct CorpusCounts {
  int64_t read = 0;
  int64_t empty = 0;     // Skipped: one side at least is blank.
  int64_t too_long = 0;  // Skipped: one side at least is longer than the limit.

  int64_t kept() const { return read - empty - too_long; }
  /// "29,000 pairs: 28,990 used, 3 skipped with a blank side, 7 skipped over 100 tokens"
  std::string Summary(int64_t max_length) const;
};

struct TokenizedText {
  TokenizedCorpus corpus;
  CorpusCounts counts;
};

/// Reads and tokenizes a corpus on `num_threads` threads, in file order. Pairs with a blank side
/// or more than `max_length` tokens on a side are skipped and counted.
/// `name` ("data.train") begins the error for a corpus of which nothing is left.
struct TokenizeOptions {
  int64_t max_length = 0;
  int num_threads = 1;
  std::string name;
};
TokenizedText TokenizeCorpus(const ParallelFiles& files, const TokenizerPair& tokenizers,
                             const TokenizeOptions& options);

}  // namespace wavemt
