#pragma once

#include <torch/torch.h>

namespace wavemt {

/// The model as seen by a search: it scores the next token of each hypothesis. A row is a
/// hypothesis; the rows of a sentence are adjacent, and every sentence has the same number of them.
class StepScorer {
 public:
  virtual ~StepScorer() = default;

  /// Appends one token to each hypothesis (newest: [rows], int64) and returns the log-probabilities
  /// of the next one: [rows, vocabulary], fp32.
  virtual torch::Tensor Step(const torch::Tensor& newest) = 0;

  /// Makes the old row rows[i] the new row i; rows: [new number of rows], int64.
  virtual void SelectRows(const torch::Tensor& rows) = 0;

  /// Keeps only `sentences` ([kept sentences], int64), in that order. Called before the
  /// SelectRows() of the same step.
  virtual void SelectSentences(const torch::Tensor& sentences) = 0;
};

}  // namespace wavemt
