#pragma once

#include <torch/torch.h>

namespace wavemt {

/// Output projection and label-smoothed cross-entropy in one: for logits = hidden * weight^T, the
/// sum over all labelled positions, in nats, of
///   (1 - label_smoothing) * -log p(label) + label_smoothing * mean over the vocabulary of -log p
/// (Szegedy et al. 2016, section 7). The logits, which would be by far the largest tensor of a
/// training step, never exist as a whole: a block of rows at a time is computed, used for the loss
/// and its gradients, and dropped.
///
/// hidden: [..., d_model]; weight: [vocabulary, d_model]; labels: [...], int64, with kIgnoredLabel
/// (batch.h) at positions that do not count. Returns a scalar in fp32. Under autocast the matrix
/// products run in its type; the loss is fp32 always.
torch::Tensor ProjectedCrossEntropy(const torch::Tensor& hidden, const torch::Tensor& weight,
                                    const torch::Tensor& labels, double label_smoothing);

}  // namespace wavemt
