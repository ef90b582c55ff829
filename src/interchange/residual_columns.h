#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "checkpoint/named_tensors.h"

namespace wavemt {

// Hugging Face's sinusoidal tables have the same waves as ours in another order: all sines, then
// all cosines, where ours alternate. What is added to the embeddings fixes the meaning of the
// columns of the residual stream, so a model changes its order as a whole: everything that reads
// the stream or writes to it is reordered alike, and the outputs stay the same.

/// Column i of a stream in Hugging Face's order is our column [i]: [d_model], int64.
torch::Tensor OrderOfHalves(int64_t d_model);

/// The inverse: our column i is column [i] of a stream in Hugging Face's order.
torch::Tensor OrderOfPairs(int64_t d_model);

/// Weights by our names, for a stream whose column i was column order[i]. REQUIRES: no tensor of a
/// position encoding is among them.
NamedTensors WithResidualOrder(const NamedTensors& weights, const torch::Tensor& order);

}  // namespace wavemt
