#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/checksum.h"

namespace wavemt {

/// Lengths of a pair's sentences in tokens, without <s> and </s>.
struct PairLengths {
  int64_t source = 0;
  int64_t target = 0;
};

/// Token ids of a pair, without <s> and </s>.
struct TokenizedPair {
  std::span<const int32_t> source;
  std::span<const int32_t> target;
  float weight = 1.0F;  // Of the pair in the loss.
  // The text of the ids, as Tokenizer::Normalize() returns it, without the tags before the source;
  // empty unless it is kept.
  std::string_view source_text{};
  std::string_view target_text{};
};

/// The text of a pair, for cutting it into other tokens.
struct PairText {
  std::string source;
  std::string target;
  int64_t num_tags = 0;  // Tokens of source(pair) that come before the text.
};

/// A parallel corpus as token ids without <s> and </s>, in memory or in a file. Safe for concurrent
/// reading.
class TokenizedCorpus {
 public:
  virtual ~TokenizedCorpus() = default;

  /// Number of pairs.
  virtual int64_t size() const = 0;
  /// AddPair() of all pairs in order. Does not depend on how the ids are stored.
  virtual uint32_t checksum() const = 0;
  /// Whether some weight() is not 1.
  virtual bool has_weights() const { return false; }
  /// Whether text() is there.
  virtual bool has_text() const { return false; }
  /// The pairs that training takes in its pass `epoch` over the corpus, from 0, in any order that
  /// depends on the arguments only: by default, each pair once.
  virtual std::vector<uint32_t> PairsOfEpoch(int64_t epoch, uint64_t seed) const;
  // The functions below REQUIRE: 0 <= pair < size().
  virtual PairLengths lengths(int64_t pair) const = 0;
  virtual std::vector<int32_t> source(int64_t pair) const = 0;
  virtual std::vector<int32_t> target(int64_t pair) const = 0;
  /// The weight of the pair in the loss, above 0.
  virtual float weight(int64_t pair) const;
  /// REQUIRES: has_text().
  virtual PairText text(int64_t pair) const;

 protected:
  TokenizedCorpus() = default;
  TokenizedCorpus(const TokenizedCorpus&) = default;
  TokenizedCorpus(TokenizedCorpus&&) = default;
  TokenizedCorpus& operator=(const TokenizedCorpus&) = default;
  TokenizedCorpus& operator=(TokenizedCorpus&&) = default;
};

/// Adds a pair's lengths and ids to the checksum of a corpus, and its weight if that is not 1. Its
/// text is not part of the checksum: the ids stand for it.
void AddPair(const TokenizedPair& pair, Crc32* checksum);

/// A corpus whose token ids are in memory, and the text as well if pairs are added with it.
class MemoryCorpus : public TokenizedCorpus {
 public:
  int64_t size() const override { return static_cast<int64_t>(source_.ends.size()); }
  PairLengths lengths(int64_t pair) const override;
  std::vector<int32_t> source(int64_t pair) const override { return source_.Sentence(pair); }
  std::vector<int32_t> target(int64_t pair) const override { return target_.Sentence(pair); }
  uint32_t checksum() const override { return checksum_.value(); }
  bool has_weights() const override { return !weights_.empty(); }
  float weight(int64_t pair) const override;
  bool has_text() const override { return !text_ends_.empty(); }
  PairText text(int64_t pair) const override;

  void Add(std::span<const int32_t> source, std::span<const int32_t> target, float weight = 1.0F);
  /// REQUIRES: either all pairs have text, or none has.
  void Add(const TokenizedPair& pair);

 private:
  // The sentences of one side, concatenated, which avoids an allocation per sentence.
  struct Side {
    std::vector<int32_t> ids;
    std::vector<uint64_t> ends;

    uint64_t Begin(int64_t pair) const;
    int64_t Length(int64_t pair) const;
    std::vector<int32_t> Sentence(int64_t pair) const;
    void Add(std::span<const int32_t> sentence);
  };

  Side source_;
  Side target_;
  std::vector<float> weights_;       // Empty: all are 1.
  std::string text_;                 // Of all pairs: source, target, source, target...
  std::vector<uint64_t> text_ends_;  // Of each of these in text_; empty: there is none.
  Crc32 checksum_;
};

}  // namespace wavemt
