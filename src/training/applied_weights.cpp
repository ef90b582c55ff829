#include "training/applied_weights.h"

#include <utility>

namespace wavemt {

AppliedWeights::AppliedWeights(NamedTensors tensors, const NamedTensors& weights)
    : tensors_(std::move(tensors)) {
  for (auto& [name, tensor] : tensors_) {
    before_[name] = tensor.detach();
    tensor.set_data(weights.at(name));
  }
}

AppliedWeights::~AppliedWeights() {
  for (auto& [name, tensor] : tensors_) tensor.set_data(before_.at(name));
}

}  // namespace wavemt
