#pragma once

#include <torch/torch.h>

namespace wavemt {

/// The sum over all labelled places of the label-smoothed cross-entropy, in nats, fp32:
///   (1 - label_smoothing) * -log p(label) + label_smoothing * mean over the vocabulary of -log p
/// (Szegedy et al. 2016, section 7). logits: [..., vocabulary]; labels: [...], int64, with
/// kIgnoredLabel (batch.h) at places that do not count.
torch::Tensor LabelSmoothedCrossEntropy(const torch::Tensor& logits, const torch::Tensor& labels,
                                        double label_smoothing);

}  // namespace wavemt
