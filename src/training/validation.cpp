#include "training/validation.h"

#include <cmath>
#include <utility>
#include <vector>

#include "data/batch_halves.h"
#include "data/batcher.h"
#include "model/evaluation_mode.h"
#include "model/out_of_memory.h"
#include "support/error.h"
#include "support/progress.h"
#include "training/update.h"

namespace wavemt {
namespace {

// Adds the loss of a batch, which is split into halves if it does not fit in memory.
void AddLoss(Transformer& model, Batch batch, torch::Device device,
             const ValidationOptions& options, torch::Tensor* sum) {
  HalvableWork<Batch> job;
  job.work = [&](const Batch& piece) {
    *sum += BatchLoss(model, piece, {.device = device, .precision = options.precision});
  };
  job.halve = [&](const Batch& piece) {
    if (piece.rows > 1) return Halves(piece);
    throw Failure(
        "{}: a single pair, {} source and {} target tokens, does not fit in memory; leave it out, "
        "or allow more",
        options.description, piece.source_length, piece.target_length);
  };
  std::vector<Batch> whole;
  whole.push_back(std::move(batch));
  WorkInHalves(std::move(whole), job);
}

}  // namespace

std::optional<double> ValidationLoss(Transformer& model, const TokenizedCorpus& corpus,
                                     torch::Device device, const ValidationOptions& options) {
  const torch::NoGradGuard no_grad;
  const EvaluationMode evaluating(*model);
  const BatchPlan plan = PlanBatches(corpus, options.batch_tokens, /*seed=*/0);
  auto sum = torch::zeros({}, torch::TensorOptions(device).dtype(torch::kDouble));
  const auto world = options.world ? options.world : std::make_shared<World>();
  bool is_stopped = false;
  ProgressBar progress(fmt::format("loss on {}", options.description), plan.size());
  world->Together([&] {
    for (int64_t i = world->rank(); i < plan.size(); i += world->size()) {
      is_stopped = options.stop_requested && options.stop_requested();
      if (is_stopped) break;
      Batch batch =
          MakeBatch(corpus, plan.pairs(i), options.source_special, options.target_special);
      AddLoss(model, std::move(batch), device, options, &sum);
      progress.Update(i + 1);
    }
  });
  if (world->AnyOf(is_stopped)) return std::nullopt;
  world->Sum(sum);
  int64_t tokens = 0;
  for (int64_t pair = 0; pair < corpus.size(); ++pair) tokens += corpus.lengths(pair).target + 1;
  return sum.item<double>() / static_cast<double>(tokens);
}

std::string_view MetricText(std::string_view name) {
  if (name == "bleu") return "BLEU";
  if (name == "chrf") return "chrF";
  return name;
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
    case ValidationMetric::kAccuracy:
      return scores.accuracy;
  }
  return std::nullopt;
}

std::optional<double> LengthPenaltyOfScores(const Config& config) {
  const ValidationMetric metric = config.training.best_metric;
  const bool is_of_translations =
      metric != ValidationMetric::kLoss && metric != ValidationMetric::kPerplexity;
  if (!is_of_translations || config.training.validation_beam_size == 1) return std::nullopt;
  return config.decoding.length_penalty;
}

std::optional<BestScore> BestScoreOf(const ValidationScores& scores, ValidationMetric metric,
                                     int64_t step) {
  const std::optional<double> score = ScoreOf(scores, metric);
  if (!score || !std::isfinite(*score)) return std::nullopt;
  return BestScore{.step = step, .score = *score, .loss = scores.loss};
}

}  // namespace wavemt
