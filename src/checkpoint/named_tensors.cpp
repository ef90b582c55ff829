#include "checkpoint/named_tensors.h"

#include <fmt/ranges.h>

#include "support/error.h"

namespace wavemt {

std::string ShapeText(const torch::Tensor& tensor) {
  return fmt::format("[{}]", fmt::join(tensor.sizes().begin(), tensor.sizes().end(), ", "));
}

NamedTensors ParametersOf(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) tensors.emplace(item.key(), item.value());
  return tensors;
}

NamedTensors TrainedParametersOf(const torch::nn::Module& module) {
  NamedTensors tensors = ParametersOf(module);
  std::erase_if(tensors, [](const auto& named) { return !named.second.requires_grad(); });
  return tensors;
}

NamedTensors StateOf(const torch::nn::Module& module) {
  NamedTensors tensors = ParametersOf(module);
  for (const auto& item : module.named_buffers()) tensors.emplace(item.key(), item.value());
  return tensors;
}

void RequireSameTensors(const NamedTensors& from, const NamedTensors& to, std::string_view origin) {
  for (const auto& [name, target] : to) {
    const auto found = from.find(name);
    if (found == from.end()) {
      throw UsageError("{}: has no \"{}\", which the model of this config needs", origin, name);
    }
    if (found->second.sizes() != target.sizes()) {
      throw UsageError("{}: \"{}\" has the shape {}, but the model of this config needs {}", origin,
                       name, ShapeText(found->second), ShapeText(target));
    }
  }
  for (const auto& [name, tensor] : from) {
    const auto target = to.find(name);
    if (target == to.end()) {
      throw UsageError("{}: holds \"{}\", which the model of this config does not have", origin,
                       name);
    }
    const torch::ScalarType type = target->second.scalar_type();
    if (tensor.is_floating_point() != target->second.is_floating_point()) {
      throw UsageError("{}: \"{}\" holds numbers of the type {}, but the model needs {}", origin,
                       name, torch::toString(tensor.scalar_type()), torch::toString(type));
    }
    // Checked in the model's type: 1e300 is finite as a double but not as a float.
    if (!torch::isfinite(tensor.to(type)).all().item<bool>()) {
      throw UsageError("{}: \"{}\" holds values that are not finite", origin, name);
    }
  }
}

void CopyTensors(const NamedTensors& from, const NamedTensors& to, std::string_view origin) {
  // Everything is checked before anything is copied, so that a refused file leaves the model
  // unchanged.
  RequireSameTensors(from, to, origin);
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : to) tensor.copy_(from.at(name));
}

void MoveTensors(NamedTensors from, const NamedTensors& to, std::string_view origin) {
  RequireSameTensors(from, to, origin);
  for (const auto& [name, tensor] : to) {
    torch::Tensor& source = from.at(name);
    torch::Tensor target = tensor;  // The same tensor: a handle that is not const.
    target.set_data(source.to(tensor.device(), tensor.scalar_type()));
    source.reset();
  }
}

void FreeTensors(const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    torch::Tensor target = tensor;
    target.set_data(torch::zeros({}, tensor.options().requires_grad(false)).expand(tensor.sizes()));
  }
}

int64_t BytesOf(const NamedTensors& tensors) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<int64_t>(tensor.nbytes());
  return bytes;
}

}  // namespace wavemt
