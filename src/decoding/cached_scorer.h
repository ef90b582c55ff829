#pragma once

#include "decoding/step_scorer.h"
#include "model/transformer.h"

namespace wavemt {

/// Scores with the Transformer and a key/value cache: each step computes one position per row.
class CachedScorer : public StepScorer {
 public:
  /// source: ids ending with </s>, [sentences, src_len]; src_padding_mask: [sentences, 1, 1,
  /// src_len], true = may attend, undefined: no padding.
  CachedScorer(Transformer model, const torch::Tensor& source,
               const torch::Tensor& src_padding_mask);

  torch::Tensor Step(const torch::Tensor& newest) override;
  void SelectRows(const torch::Tensor& rows) override { cache_.SelectRows(rows); }
  void SelectSentences(const torch::Tensor& sentences) override {
    cache_.SelectSentences(sentences);
  }

 private:
  Transformer model_;
  KeyValueCache cache_;
};

}  // namespace wavemt
