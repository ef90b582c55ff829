#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <string_view>

namespace wavemt {

/// Weights by name, in the order of the names. What checkpoints, averages and optimizer state are
/// made of; nothing depends on the order in which a model was built.
using NamedTensors = std::map<std::string, torch::Tensor>;

/// The parameters of a model, not copied: changing them changes the model.
NamedTensors ParametersOf(const torch::nn::Module& module);

/// The parameters and buffers of a model, not copied: its state.
NamedTensors StateOf(const torch::nn::Module& module);

/// Copies `from` into the tensors of `to`. The names must be the same on both sides, and so must
/// the shapes; a usage error that begins with `origin` says what differs.
void CopyTensors(const NamedTensors& from, const NamedTensors& to, std::string_view origin);

/// Bytes of all tensors' values.
int64_t BytesOf(const NamedTensors& tensors);

}  // namespace wavemt
