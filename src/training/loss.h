#pragma once

#include <torch/torch.h>

#include "model/output_layer.h"

namespace wavemt {

/// What a loss is computed for.
struct LabelledPositions {
  torch::Tensor labels;     // [...], int64, with kIgnoredLabel (batch.h) where none counts.
  torch::Tensor weights{};  // [...], fp32, of each position in the sum; undefined: all are 1.
};

struct LossOptions {
  double label_smoothing = 0.0;
  double r_drop_alpha = 0.0;  // 0: without R-Drop.
};

/// Output projection and label-smoothed cross-entropy in one: for the logits of `output`, the
/// sum over all labelled positions, each times its weight, in nats, of
///   (1 - label_smoothing) * -log p(label) + label_smoothing * mean over the vocabulary of -log p
/// (Szegedy et al. 2016, section 7). The logits, which would be by far the largest tensor of a
/// training step, never exist as a whole: they are computed for one block of rows at a time, used
/// for the loss and its gradients, and discarded.
///
/// With R-Drop (Liang et al. 2021) the positions are those of two passes over the same batch: the
/// second half of the rows has the labels and weights of the first. With p and q for what the two
/// passes predict at a position, each position then counts once, with
///   (cross-entropy of p + cross-entropy of q) / 2 + r_drop_alpha / 4 * (KL(p||q) + KL(q||p)),
/// half of the paper's loss, so that it is on the scale of a loss without R-Drop.
///
/// hidden: [..., d_model]. Returns an fp32 scalar. Under autocast the matrix products use its type;
/// the loss is always computed in fp32.
/// REQUIRES: with R-Drop, the first dimension of hidden, labels and weights is even.
torch::Tensor ProjectedCrossEntropy(const torch::Tensor& hidden, const OutputLayer& output,
                                    const LabelledPositions& positions, const LossOptions& options);

}  // namespace wavemt
