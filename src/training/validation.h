#pragma once

#include <torch/torch.h>

#include <functional>
#include <optional>
#include <string>

#include "config/config.h"
#include "data/batch.h"
#include "data/tokenized_corpus.h"
#include "model/transformer.h"

namespace wavemt {

/// What a validation found.
struct ValidationScores {
  double loss = 0;        // Mean cross-entropy of a target token in nats, without smoothing.
  double perplexity = 0;  // exp(loss)
  std::optional<double> bleu{};
  std::string bleu_signature{};
  std::optional<double> chrf{};
  std::string chrf_signature{};
};

struct ValidationOptions {
  int64_t batch_tokens = 0;
  Precision precision = Precision::kFp32;
  SpecialTokens source_special;
  SpecialTokens target_special;
  /// Asked before each batch; the answer true ends the validation. May be empty.
  std::function<bool()> stop_requested{};
};
/// The mean cross-entropy of a target token of `corpus` in nats, without label smoothing, by the
/// model in evaluation mode. Nothing where it was stopped.
std::optional<double> ValidationLoss(Transformer& model, const TokenizedCorpus& corpus,
                                     torch::Device device, const ValidationOptions& options);

/// The score that training.best_metric names; nothing where it was not measured.
std::optional<double> ScoreOf(const ValidationScores& scores, ValidationMetric metric);

/// The best validation so far, of training.best_metric.
struct BestScore {
  double score = 0;
  std::optional<double> loss;  // Of the same validation; checkpoints have not always held it.
};

/// Whether `scores` are an improvement over `best` (nothing: over none at all). Of equal scores, as
/// those of the first validations often are (BLEU 0), the lower loss is better.
bool IsBetter(const ValidationScores& scores, const std::optional<BestScore>& best,
              ValidationMetric metric);

}  // namespace wavemt
