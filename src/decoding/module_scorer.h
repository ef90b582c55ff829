#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>

#include "decoding/step_scorer.h"
#include "model/transformer.h"

namespace wavemt {

/// Scores with the Transformer's modules, on any device: each step computes one position per row.
class ModuleScorer : public StepScorer {
 public:
  /// source: ids ending with </s>, [sentences, src_len], on the model's device; lengths: of the
  /// sentences; special: of the target vocabulary.
  ModuleScorer(Transformer model, const torch::Tensor& source, std::span<const int64_t> lengths,
               const SpecialTokens& special);

  const NextTokens& Step(std::span<const int32_t> newest, int64_t per_row) override;
  void Select(std::span<const int32_t> sentences, std::span<const int32_t> rows) override {
    cache_.Select(sentences, rows);
  }

 private:
  Transformer model_;
  SpecialTokens special_;
  torch::Device device_;
  KeyValueCache cache_;
  NextTokens next_;
};

/// The likeliest of all tokens. log_probs: [rows, vocabulary], fp32; overwritten.
void TakeLikeliest(torch::Tensor log_probs, int64_t per_row, const SpecialTokens& special,
                   NextTokens* next);

}  // namespace wavemt
