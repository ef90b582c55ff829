#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>

#include "checkpoint/named_tensors.h"
#include "model/transformer.h"

namespace wavemt {

/// The first of `tensors` with a value that is infinite or not a number, by name; empty: none.
std::string FirstNotFinite(const NamedTensors& tensors);

/// Says, as a clause, where in a step the numbers first stopped being finite: in the weights; in
/// the forward pass, layer by layer in its order; in the loss; or in the gradients, from the loss
/// backwards. `loss` and the parameters' gradients are those of the step, `forward` repeats its
/// forward passes.
std::string WhereNotFinite(const TransformerImpl& model, const torch::Tensor& loss,
                           const std::function<void()>& forward);

}  // namespace wavemt
