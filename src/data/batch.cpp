#include "data/batch.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace wavemt {

int64_t TargetTokens(std::span<const Batch> batches) {
  int64_t tokens = 0;
  for (const Batch& batch : batches) tokens += batch.target_tokens;
  return tokens;
}

PaddedSource PadSource(std::span<const std::vector<int32_t>> sentences,
                       const SpecialTokens& special) {
  PaddedSource padded;
  padded.rows = static_cast<int64_t>(sentences.size());
  padded.lengths.reserve(sentences.size());
  for (const std::vector<int32_t>& sentence : sentences) {
    padded.lengths.push_back(static_cast<int64_t>(sentence.size()) + 1);
    padded.length = std::max(padded.length, padded.lengths.back());
  }
  padded.ids.assign(static_cast<size_t>(padded.rows * padded.length), special.pad);
  auto row = padded.ids.begin();
  for (const std::vector<int32_t>& sentence : sentences) {
    *std::copy(sentence.begin(), sentence.end(), row) = special.eos;
    row += padded.length;
  }
  return padded;
}

Batch MakeBatch(const TokenizedCorpus& corpus, std::span<const uint32_t> pairs,
                const SpecialTokens& source_special, const SpecialTokens& target_special) {
  std::vector<std::vector<int32_t>> sources;
  sources.reserve(pairs.size());
  for (const uint32_t pair : pairs) sources.push_back(corpus.source(pair));
  PaddedSource padded = PadSource(sources, source_special);

  Batch batch;
  batch.rows = padded.rows;
  batch.source_length = padded.length;
  batch.source = std::move(padded.ids);
  batch.source_lengths = std::move(padded.lengths);
  for (const uint32_t pair : pairs) {
    batch.target_lengths.push_back(corpus.lengths(pair).target + 1);
    batch.target_length = std::max(batch.target_length, batch.target_lengths.back());
    batch.target_tokens += batch.target_lengths.back();
  }
  batch.source_tokens =
      std::accumulate(batch.source_lengths.begin(), batch.source_lengths.end(), int64_t{0});
  if (corpus.has_weights()) {
    for (const uint32_t pair : pairs) batch.weights.push_back(corpus.weight(pair));
  }
  batch.target_input.assign(static_cast<size_t>(batch.rows * batch.target_length),
                            target_special.pad);
  batch.labels.assign(batch.target_input.size(), kIgnoredLabel);
  for (int64_t row = 0; row < batch.rows; ++row) {
    const std::vector<int32_t> target = corpus.target(pairs[static_cast<size_t>(row)]);
    const auto input = batch.target_input.begin() + row * batch.target_length;
    *input = target_special.bos;
    std::copy(target.begin(), target.end(), input + 1);
    const auto labels = batch.labels.begin() + row * batch.target_length;
    *std::copy(target.begin(), target.end(), labels) = target_special.eos;
  }
  return batch;
}

}  // namespace wavemt
