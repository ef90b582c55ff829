#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "data/batch.h"
#include "data/tokenized_corpus.h"
#include "distributed/world.h"
#include "model/transformer.h"
#include "training/best_scores.h"

namespace wavemt {

/// A translation of a validation, to look at.
struct SampleTranslation {
  std::string source{};
  std::string reference{};
  std::string translation{};
};

/// The results of a validation.
struct ValidationScores {
  double loss = 0;        // Mean cross-entropy per target token in nats, without smoothing.
  double perplexity = 0;  // exp(loss)
  std::optional<double> bleu{};
  std::string bleu_signature{};
  std::optional<double> brevity_penalty{};  // Of the BLEU; not logged.
  std::optional<double> chrf{};
  std::string chrf_signature{};
  std::optional<double> accuracy{};  // Only if it selects the best checkpoint.
  std::string accuracy_signature{};
  /// Of the sentences that training.validation_samples chooses; only on rank 0.
  std::vector<SampleTranslation> samples{};
};

/// Translates a text with the model in its present state and scores the translations; the loss is
/// measured elsewhere. All ranks call it and get the same scores; nothing if `stop_requested`
/// returns true on any of them.
using ScoreTranslations =
    std::function<std::optional<ValidationScores>(const std::function<bool()>& stop_requested)>;

/// A text on which validations measure the model.
struct ValidationSet {
  std::string key = "valid";               // Of its scores in logs: "valid", "valid/news".
  std::string description = "data.valid";  // For messages.
  const TokenizedCorpus& corpus;           // Must outlive the training.
  ScoreTranslations score_translations{};  // May be empty.
};

/// The scores of one validation set.
struct SetScores {
  std::string key{};
  ValidationScores scores{};
};

struct ValidationOptions {
  int64_t batch_tokens = 0;
  Precision precision = Precision::kFp32;
  SpecialTokens source_special;
  SpecialTokens target_special;
  std::string description = "data.valid";  // Of the corpus, for messages.
  /// Called before each batch; returning true ends the validation. May be empty.
  std::function<bool()> stop_requested{};
  /// The ranks that share the batches; each gets the same result. Null: there is one process.
  std::shared_ptr<World> world{};
};
/// The mean cross-entropy per target token of `corpus` in nats, without label smoothing, with the
/// model in evaluation mode. Nothing if it was stopped on any rank.
std::optional<double> ValidationLoss(Transformer& model, const TokenizedCorpus& corpus,
                                     torch::Device device, const ValidationOptions& options);

/// How people write a metric that configs and logs call `name`: "BLEU" for "bleu".
std::string_view MetricText(std::string_view name);

/// The score that training.best_metric names; nothing if it was not measured.
std::optional<double> ScoreOf(const ValidationScores& scores, ValidationMetric metric);

/// The length penalty on which the score that training.best_metric names depends; nothing if it is
/// not one of translations, or if validations search greedily, where no penalty changes anything.
std::optional<double> LengthPenaltyOfScores(const Config& config);

/// What counts of the scores of the model at `step` if they are among the best; nothing if the
/// score that training.best_metric names was not measured or is not finite.
std::optional<BestScore> BestScoreOf(const ValidationScores& scores, ValidationMetric metric,
                                     int64_t step);

}  // namespace wavemt
