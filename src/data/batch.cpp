#include "data/batch.h"

#include <algorithm>

namespace wavemt {

int64_t TargetTokens(std::span<const Batch> batches) {
  int64_t tokens = 0;
  for (const Batch& batch : batches) tokens += batch.target_tokens;
  return tokens;
}

Batch MakeBatch(const TokenizedCorpus& corpus, std::span<const uint32_t> pairs,
                const SpecialTokens& source_special, const SpecialTokens& target_special) {
  Batch batch;
  batch.rows = static_cast<int64_t>(pairs.size());
  for (const uint32_t pair : pairs) {
    const PairLengths lengths = corpus.lengths(pair);
    batch.source_lengths.push_back(lengths.source + 1);
    batch.target_lengths.push_back(lengths.target + 1);
    batch.source_length = std::max(batch.source_length, batch.source_lengths.back());
    batch.target_length = std::max(batch.target_length, batch.target_lengths.back());
    batch.source_tokens += batch.source_lengths.back();
    batch.target_tokens += batch.target_lengths.back();
  }
  batch.source.assign(static_cast<size_t>(batch.rows * batch.source_length), source_special.pad);
  batch.target_input.assign(static_cast<size_t>(batch.rows * batch.target_length),
                            target_special.pad);
  batch.labels.assign(batch.target_input.size(), kIgnoredLabel);
  for (int64_t row = 0; row < batch.rows; ++row) {
    const uint32_t pair = pairs[static_cast<size_t>(row)];
    const std::vector<int32_t> source = corpus.source(pair);
    const std::vector<int32_t> target = corpus.target(pair);
    const auto end_of_source =
        std::copy(source.begin(), source.end(), batch.source.begin() + row * batch.source_length);
    *end_of_source = source_special.eos;
    const auto input = batch.target_input.begin() + row * batch.target_length;
    *input = target_special.bos;
    std::copy(target.begin(), target.end(), input + 1);
    const auto end_of_labels =
        std::copy(target.begin(), target.end(), batch.labels.begin() + row * batch.target_length);
    *end_of_labels = target_special.eos;
  }
  return batch;
}

}  // namespace wavemt
