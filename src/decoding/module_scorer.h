#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <span>

#include "decoding/step_scorer.h"
#include "model/source_attention.h"
#include "model/transformer.h"

namespace wavemt {

/// Scores with the Transformer's modules, on any device: each step computes one position per row.
class ModuleScorer : public StepScorer {
 public:
  /// source: ids ending with </s>, [sentences, src_len], on the model's device; lengths: of the
  /// sentences; special: of the target vocabulary.
  ModuleScorer(Transformer model, const torch::Tensor& source, std::span<const int64_t> lengths,
               const SpecialTokens& special);

  const NextTokens& Step(std::span<const int32_t> newest, std::span<const int32_t> wanted,
                         int64_t per_row) override;
  std::span<const float> StepAll(std::span<const int32_t> newest) override;
  void Select(std::span<const int32_t> sentences, std::span<const int32_t> rows) override {
    cache_.Select(sentences, rows);
  }

  void WatchAttention(int64_t attention_layer) override;
  std::span<const float> Attention(int64_t row) const override;

 private:
  // Of the next tokens, [rows, target vocabulary], fp32, on the device.
  torch::Tensor LogProbs(std::span<const int32_t> newest);

  Transformer model_;
  SpecialTokens special_;
  torch::Device device_;
  KeyValueCache cache_;
  NextTokens next_;
  torch::Tensor all_;  // On the CPU.
  std::optional<SourceAttention> attention_;
};

/// The likeliest of all tokens. log_probs: [rows, vocabulary], fp32; overwritten. wanted: [rows].
void TakeLikeliest(torch::Tensor log_probs, std::span<const int32_t> wanted, int64_t per_row,
                   const SpecialTokens& special, NextTokens* next);

}  // namespace wavemt
