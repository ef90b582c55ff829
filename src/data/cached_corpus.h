#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "data/corpus_cache_file.h"
#include "data/packed_ints.h"
#include "data/tokenized_corpus.h"

namespace wavemt {

/// A corpus whose token ids, and text if it is kept, are in a corpus cache, mapped into memory.
/// Only the two lengths of each pair, and its weight if there are any, stay in memory.
class CachedCorpus : public TokenizedCorpus {
 public:
  struct Limits {
    int64_t source_vocab_size = 0;
    int64_t target_vocab_size = 0;
    int64_t max_length = 0;
  };

  /// Checks the lengths and the number of texts; the ids are checked as each sentence is read.
  /// Either throws a Failure if a limit is exceeded, as can happen if the file was forged or
  /// changes while it is in use.
  CachedCorpus(std::unique_ptr<const CorpusCacheFile> file, const Limits& limits);

  const CorpusCacheFile& file() const { return *file_; }
  int64_t size() const override { return static_cast<int64_t>(lengths_.size() / 2); }
  PairLengths lengths(int64_t pair) const override;
  std::vector<int32_t> source(int64_t pair) const override;
  std::vector<int32_t> target(int64_t pair) const override;
  uint32_t checksum() const override { return file_->checksum(); }
  bool has_weights() const override { return !weights_.empty(); }
  float weight(int64_t pair) const override {
    return weights_.empty() ? 1.0F : weights_[static_cast<size_t>(pair)];
  }
  bool has_text() const override { return !text_begins_.empty(); }
  PairText text(int64_t pair) const override;

 private:
  uint64_t Begin(int64_t pair) const;
  void FindTexts();
  // Counts a sentence or text that was read, and releases memory now and then.
  void CountRead() const;
  std::vector<int32_t> Sentence(uint64_t begin, int64_t length, int64_t vocab_size) const;

  std::unique_ptr<const CorpusCacheFile> file_;
  Limits limits_;
  PackedInts ids_;
  std::vector<char> lengths_bytes_;
  PackedInts lengths_;                 // Alternately of source and target.
  std::vector<float> weights_;         // Empty: all are 1.
  std::vector<uint64_t> begins_;       // Index in ids_ of every kStride-th pair.
  std::vector<uint64_t> text_begins_;  // In file_->text(), of every kStride-th pair.
  mutable std::atomic<int64_t> sentences_read_ = 0;
};

}  // namespace wavemt
