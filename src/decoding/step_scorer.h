#pragma once

#include <torch/torch.h>

namespace wavemt {

/// The model as a search sees it: scores of the next token of each hypothesis. Hypotheses are rows;
/// those of one sentence stand side by side, equally many for each.
class StepScorer {
 public:
  virtual ~StepScorer() = default;

  /// Appends `newest` ([rows], int64) to the hypotheses and returns the log-probabilities of what
  /// comes next: [rows, vocabulary], fp32.
  virtual torch::Tensor Step(const torch::Tensor& newest) = 0;

  /// Row i goes on from what was row rows[i].
  virtual void SelectRows(const torch::Tensor& rows) = 0;

  /// Drops the sentences that are not in `sentences`. Comes before the SelectRows() of that step.
  virtual void SelectSentences(const torch::Tensor& sentences) = 0;
};

}  // namespace wavemt
