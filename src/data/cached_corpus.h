#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "data/corpus_cache_file.h"
#include "data/packed_ints.h"
#include "data/tokenized_corpus.h"

namespace wavemt {

/// Token ids in a corpus cache, mapped into memory. Of a pair only the two lengths stay in memory.
class CachedCorpus : public TokenizedCorpus {
 public:
  struct Limits {
    int64_t source_vocab_size = 0;
    int64_t target_vocab_size = 0;
    int64_t max_length = 0;
  };

  /// Checks the lengths, and with each sentence its ids: a Failure if they exceed the limits, as
  /// they may in a file that was forged or changes while it is read.
  CachedCorpus(std::unique_ptr<const CorpusCacheFile> file, const Limits& limits);

  const CorpusCacheFile& file() const { return *file_; }
  int64_t size() const override { return static_cast<int64_t>(lengths_.size() / 2); }
  PairLengths lengths(int64_t pair) const override;
  std::vector<int32_t> source(int64_t pair) const override;
  std::vector<int32_t> target(int64_t pair) const override;
  uint32_t checksum() const override { return file_->checksum(); }

 private:
  uint64_t Begin(int64_t pair) const;
  std::vector<int32_t> Sentence(uint64_t begin, int64_t length, int64_t vocab_size) const;

  std::unique_ptr<const CorpusCacheFile> file_;
  Limits limits_;
  PackedInts ids_;
  std::vector<char> lengths_bytes_;
  PackedInts lengths_;            // Of source and target in turn.
  std::vector<uint64_t> begins_;  // Of every kStride-th pair, in ids.
  mutable std::atomic<int64_t> sentences_read_ = 0;
};

}  // namespace wavemt
