#include "training/validation.h"

#include "data/batcher.h"
#include "training/autocast.h"
#include "training/device_batch.h"
#include "training/loss.h"

namespace wavemt {

double ValidationLoss(Transformer& model, const TokenizedCorpus& corpus, torch::Device device,
                      const ValidationOptions& options) {
  const torch::NoGradGuard no_grad;
  const bool was_training = model->is_training();
  model->eval();
  const BatchPlan plan = PlanBatches(corpus, options.batch_tokens, /*seed=*/0);
  auto sum = torch::zeros({}, torch::TensorOptions(device).dtype(torch::kDouble));
  int64_t tokens = 0;
  for (int64_t i = 0; i < plan.size(); ++i) {
    const Batch batch =
        MakeBatch(corpus, plan.pairs(i), options.source_special, options.target_special);
    const DeviceBatch on_device = ToDevice(batch, device);
    const Autocast autocast(device, options.precision);
    const auto memory = model->Encode(on_device.source, on_device.src_padding_mask);
    const auto hidden = model->Decode(on_device.target_input, memory, on_device.src_padding_mask);
    sum += ProjectedCrossEntropy(hidden, model->OutputWeight(), on_device.labels,
                                 /*label_smoothing=*/0.0);
    tokens += batch.target_tokens;
  }
  model->train(was_training);
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

bool IsBetter(double score, double best, ValidationMetric metric) {
  const bool higher_is_better =
      metric == ValidationMetric::kBleu || metric == ValidationMetric::kChrf;
  return higher_is_better ? score > best : score < best;
}

}  // namespace wavemt
