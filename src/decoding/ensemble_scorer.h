#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "config/config.h"
#include "decoding/step_scorer.h"

namespace wavemt {

/// Several models of the same vocabularies that score together: the mean of their probabilities, or
/// of the logarithms of these. Means of logarithms do not sum to 1; nothing is added to make them.
class EnsembleScorer : public StepScorer {
 public:
  EnsembleScorer(std::vector<std::unique_ptr<StepScorer>> scorers, const SpecialTokens& special,
                 EnsembleMean mean);

  const NextTokens& Step(std::span<const int32_t> newest, std::span<const int32_t> wanted,
                         int64_t per_row) override;
  std::span<const float> StepAll(std::span<const int32_t> newest) override;
  void Select(std::span<const int32_t> sentences, std::span<const int32_t> rows) override;
  void WatchAttention(int64_t attention_layer) override;
  /// The mean of the models' attentions.
  std::span<const float> Attention(int64_t row) const override;

 private:
  // Fills mean_ with what orders tokens as their probabilities do.
  void Average(std::span<const int32_t> newest);
  // The logarithm of the mean at an index of mean_.
  float LogAt(size_t index) const;

  std::vector<std::unique_ptr<StepScorer>> scorers_;
  SpecialTokens special_;
  EnsembleMean kind_;
  NextTokens next_;
  std::vector<float> mean_;  // [rows, vocabulary]: probabilities or log-probabilities.
  std::vector<std::span<const float>> of_models_;  // What mean_ is the mean of.
  std::vector<float> logs_;
  std::vector<int32_t> found_;
  mutable std::vector<float> attention_;  // Of the row that was asked for last.
};

}  // namespace wavemt
