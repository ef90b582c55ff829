#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <string_view>

namespace wavemt {

/// Tensors by name, sorted by name: model weights, averages and optimizer state. Files do not
/// depend on the order in which a model was built.
using NamedTensors = std::map<std::string, torch::Tensor>;

/// The parameters of a model. They share its storage: changing them changes the model.
NamedTensors ParametersOf(const torch::nn::Module& module);

/// Those that are trained: frozen ones are left out.
NamedTensors TrainedParametersOf(const torch::nn::Module& module);

/// The parameters and buffers of a model, sharing its storage.
NamedTensors StateOf(const torch::nn::Module& module);

/// Copies `from` into the tensors of `to`. Names and shapes must be the same on both sides, and
/// values must be finite; otherwise throws a usage error that begins with `origin`.
void CopyTensors(const NamedTensors& from, const NamedTensors& to, std::string_view origin);

/// Throws the usage errors of CopyTensors() without copying anything.
void RequireSameTensors(const NamedTensors& from, const NamedTensors& to, std::string_view origin);

/// As CopyTensors(), but the model takes the tensors over instead of copying them, where they have
/// its type and device.
void MoveTensors(NamedTensors from, const NamedTensors& to, std::string_view origin);

/// Frees the memory of tensors that will get other values: they keep their shapes and are zero.
void FreeTensors(const NamedTensors& tensors);

/// "[512, 64]"
std::string ShapeText(const torch::Tensor& tensor);

/// The total size of the tensors' values in bytes.
int64_t BytesOf(const NamedTensors& tensors);

}  // namespace wavemt
