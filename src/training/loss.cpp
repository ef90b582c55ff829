#include "training/loss.h"

#include "data/batch.h"

namespace wavemt {

torch::Tensor LabelSmoothedCrossEntropy(const torch::Tensor& logits, const torch::Tensor& labels,
                                        double label_smoothing) {
  const int64_t vocabulary = logits.size(-1);
  return at::cross_entropy_loss_symint(
      logits.to(torch::kFloat).view({-1, vocabulary}), labels.view({-1}), /*weight=*/{},
      at::Reduction::Sum, kIgnoredLabel, label_smoothing);
}

}  // namespace wavemt
