#pragma once

#include <torch/torch.h>

#include "model/output_layer.h"

namespace wavemt {

/// What a loss is computed for.
struct LabelledPositions {
  torch::Tensor labels;     // [...], int64, with kIgnoredLabel (batch.h) where none counts.
  torch::Tensor weights{};  // [...], fp32, of each position in the sum; undefined: all are 1.
};

/// Output projection and label-smoothed cross-entropy in one: for the logits of `output`, the
/// sum over all labelled positions, each times its weight, in nats, of
///   (1 - label_smoothing) * -log p(label) + label_smoothing * mean over the vocabulary of -log p
/// (Szegedy et al. 2016, section 7). The logits, which would be by far the largest tensor of a
/// training step, never exist as a whole: they are computed for one block of rows at a time, used
/// for the loss and its gradients, and discarded.
///
/// hidden: [..., d_model]. Returns an fp32 scalar. Under autocast the matrix products use its type;
/// the loss is always computed in fp32.
torch::Tensor ProjectedCrossEntropy(const torch::Tensor& hidden, const OutputLayer& output,
                                    const LabelledPositions& positions, double label_smoothing);

}  // namespace wavemt
