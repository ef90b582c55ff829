#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/tokenized_corpus.h"
#include "data/tokenizer.h"

namespace wavemt {

/// The label of padding, which the loss ignores.
inline constexpr int64_t kIgnoredLabel = -100;

/// Source sentences as a rectangle in row-major order, padded on the right.
struct PaddedSource {
  int64_t rows = 0;
  int64_t length = 0;            // Of the longest sentence, </s> included.
  std::vector<int64_t> ids;      // [rows, length]: sentence </s> pad...
  std::vector<int64_t> lengths;  // [rows], </s> included
};

PaddedSource PadSource(std::span<const std::vector<int32_t>> sentences,
                       const SpecialTokens& special);

/// Sentence pairs as rectangular arrays in row-major order, padded on the right.
struct Batch {
  int64_t rows = 0;
  int64_t source_length = 0;
  int64_t target_length = 0;
  std::vector<int64_t> source;          // [rows, source_length]: sentence </s> pad...
  std::vector<int64_t> target_input;    // [rows, target_length]: <s> sentence pad...
  std::vector<int64_t> labels;          // [rows, target_length]: sentence </s> kIgnoredLabel...
  std::vector<int64_t> source_lengths;  // [rows], </s> included
  std::vector<int64_t> target_lengths;  // [rows], </s> included
  std::vector<float> weights{};         // [rows], in the loss; empty: all are 1
  int64_t source_tokens = 0;            // without padding
  int64_t target_tokens = 0;            // without padding: what the loss is averaged over
};

/// The target tokens of several batches together, without padding.
int64_t TargetTokens(std::span<const Batch> batches);

Batch MakeBatch(const TokenizedCorpus& corpus, std::span<const uint32_t> pairs,
                const SpecialTokens& source_special, const SpecialTokens& target_special);

}  // namespace wavemt
