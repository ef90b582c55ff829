#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>

#include "checkpoint/named_tensors.h"
#include "model/transformer.h"

namespace wavemt {

/// The name of the first of `tensors` with a value that is infinite or NaN; empty if there is none.
std::string FirstNotFinite(const NamedTensors& tensors);

/// Describes, as a clause, where the numbers of a step first stopped being finite: in the weights;
/// in the forward pass, layer by layer; in the loss; or in the gradients, starting from the loss.
/// `loss` and the parameters' gradients are those of the step; `forward` repeats its forward
/// passes.
std::string WhereNotFinite(const TransformerImpl& model, const torch::Tensor& loss,
                           const std::function<void()>& forward);

}  // namespace wavemt
