#pragma once

#include <torch/torch.h>

#include <cstdint>
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

  const NextTokens& Step(std::span<const int32_t> newest, int64_t per_row) override;
  void Select(std::span<const int32_t> sentences, std::span<const int32_t> rows) override {
    cache_.Select(sentences, rows);
  }

 private:
  void FindLikeliest(const float* hidden, int64_t rows, int64_t per_row);
  void TakeBlock(int64_t row, const float* logits, int64_t first, int64_t count);
  int32_t TokenOf(int64_t column) const {
    return tokens_.empty() ? static_cast<int32_t>(column) : tokens_[static_cast<size_t>(column)];
  }

  const PackedTransformer& model_;
  SpecialTokens special_;
  InferenceMemory& memory_;
  KeyValueCache cache_;
  int64_t end_column_;  // Of </s>.
  PackedLinear restricted_;
  std::vector<int32_t> tokens_;  // Of the columns of restricted_; empty: no restriction.
  NextTokens next_;
  std::vector<LogitSum> sums_;  // [rows]
  std::vector<float> logits_;   // [rows, a block of columns]
  std::vector<int32_t> found_;  // Columns of a block.
};

}  // namespace wavemt
