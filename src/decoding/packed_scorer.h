#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "decoding/step_scorer.h"
#include "inference/kernels.h"
#include "inference/packed_transformer.h"

namespace wavemt {

/// Scores with a PackedTransformer. The vocabulary passes by in blocks that stay in the processor's
/// cache: no row of logits is ever stored as a whole, and a softmax is reduced to its normalizer.
class PackedScorer : public StepScorer {
 public:
  /// As ModuleScorer. The model and the memory must outlive the scorer; no other thread may use the
  /// memory.
  PackedScorer(const PackedTransformer& model, const torch::Tensor& source,
               std::span<const int64_t> lengths, const SpecialTokens& special,
               InferenceMemory* memory);

  /// From now on only these tokens exist: ascending, </s> among them.
  void Restrict(std::vector<int32_t> tokens);

  const NextTokens& Step(std::span<const int32_t> newest, std::span<const int32_t> wanted,
                         int64_t per_row) override;
  std::span<const float> StepAll(std::span<const int32_t> newest) override;
  void Select(std::span<const int32_t> sentences, std::span<const int32_t> rows) override {
    cache_.Select(sentences, rows);
  }

  void WatchAttention(int64_t attention_layer) override;
  std::span<const float> Attention(int64_t row) const override;

 private:
  // The decoder's output, [rows, d_model].
  const float* DecodeStep(std::span<const int32_t> newest);
  void FindLikeliest(const float* hidden, std::span<const int32_t> wanted, int64_t per_row);
  const PackedLinear& Output() const { return tokens_.empty() ? model_.output() : restricted_; }
  void SpreadOut(std::span<float> row) const;
  // Where a token stands in the output, -1 if a restriction leaves it out.
  int64_t ColumnOf(int32_t token) const;
  void TakeBlock(int64_t row, const float* logits, int64_t first, int64_t count);
  int32_t TokenOf(int64_t column) const {
    return tokens_.empty() ? static_cast<int32_t>(column) : tokens_[static_cast<size_t>(column)];
  }

  const PackedTransformer& model_;
  SpecialTokens special_;
  InferenceMemory& memory_;
  KeyValueCache cache_;
  PackedLinear restricted_;
  std::vector<int32_t> tokens_;  // Of the columns of restricted_; empty: no restriction.
  NextTokens next_;
  std::vector<LogitSum> sums_;           // [rows]
  std::vector<int64_t> wanted_columns_;  // [rows]
  std::vector<float> logits_;            // [rows, a block of columns]
  std::vector<float> all_;               // [rows, target vocabulary], log-probabilities.
  std::optional<SourceAttention> attention_;
  int64_t rows_ = 0;            // Of the last step.
  std::vector<int32_t> found_;  // Columns of a block.
};

}  // namespace wavemt
