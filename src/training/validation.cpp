#include "training/validation.h"

#include <cmath>

#include "data/batch_halves.h"
#include "data/batcher.h"
#include "model/out_of_memory.h"
#include "support/error.h"
#include "training/batch_loss.h"

namespace wavemt {
namespace {

// The summed loss of a batch; in halves where it does not fit the memory.
torch::Tensor SummedLoss(Transformer& model, const Batch& batch, const BatchLossOptions& options) {
  torch::Tensor loss;
  const bool fits = FitsMemory([&] { loss = BatchLoss(model, batch, options); });
  if (fits) return loss;
  if (batch.rows == 1) {
    throw Failure(
        "data.valid: a single pair, {} source and {} target tokens, does not fit the memory; leave "
        "it out, or allow more",
        batch.source_length, batch.target_length);
  }
  const auto [first, second] = Halves(batch);
  const torch::Tensor first_loss = SummedLoss(model, first, options);
  return first_loss + SummedLoss(model, second, options);
}

}  // namespace

std::optional<double> ValidationLoss(Transformer& model, const TokenizedCorpus& corpus,
                                     torch::Device device, const ValidationOptions& options) {
  const torch::NoGradGuard no_grad;
  const bool was_training = model->is_training();
  model->eval();
  const BatchPlan plan = PlanBatches(corpus, options.batch_tokens, /*seed=*/0);
  auto sum = torch::zeros({}, torch::TensorOptions(device).dtype(torch::kDouble));
  int64_t tokens = 0;
  bool stopped = false;
  for (int64_t i = 0; i < plan.size(); ++i) {
    stopped = options.stop_requested && options.stop_requested();
    if (stopped) break;
    const Batch batch =
        MakeBatch(corpus, plan.pairs(i), options.source_special, options.target_special);
    sum += SummedLoss(model, batch, {.device = device, .precision = options.precision});
    tokens += batch.target_tokens;
  }
  model->train(was_training);
  if (stopped) return std::nullopt;
  return sum.item<double>() / static_cast<double>(tokens);
}

std::optional<double> ScoreOf(const ValidationScores& scores, ValidationMetric metric) {
  switch (metric) {
    case ValidationMetric::kLoss:
      return scores.loss;
    case ValidationMetric::kPerplexity:
      return scores.perplexity;
    case ValidationMetric::kBleu:
      return scores.bleu;
    case ValidationMetric::kChrf:
      return scores.chrf;
  }
  return std::nullopt;
}

bool IsBetter(const ValidationScores& scores, const std::optional<BestScore>& best,
              ValidationMetric metric) {
  const std::optional<double> score = ScoreOf(scores, metric);
  if (!score || !std::isfinite(*score)) return false;
  if (!best) return true;
  if (*score == best->score) return best->loss && scores.loss < *best->loss;
  const bool higher_is_better =
      metric == ValidationMetric::kBleu || metric == ValidationMetric::kChrf;
  return higher_is_better ? *score > best->score : *score < best->score;
}

}  // namespace wavemt
