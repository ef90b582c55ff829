#pragma once

#include <torch/torch.h>

namespace wavemt {

/// Output projection and label-smoothed cross-entropy in one: for logits = hidden * weight^T, the
/// sum over all labelled places, in nats, of
///   (1 - label_smoothing) * -log p(label) + label_smoothing * mean over the vocabulary of -log p
/// (Szegedy et al. 2016, section 7). The logits are never there as a whole: they are made, used for
/// loss and gradients, and forgotten a block of rows at a time. They would be the largest tensor of
/// a training step by far.
///
/// hidden: [..., d_model]; weight: [vocabulary, d_model]; labels: [...], int64, with kIgnoredLabel
/// (batch.h) at places that do not count. Returns a scalar in fp32. Under autocast the matrix
/// products run in its type; the loss is fp32 always.
torch::Tensor ProjectedCrossEntropy(const torch::Tensor& hidden, const torch::Tensor& weight,
                                    const torch::Tensor& labels, double label_smoothing);

}  // namespace wavemt
