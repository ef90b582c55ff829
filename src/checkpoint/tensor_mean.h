#pragma once

#include <cstdint>
#include <string_view>

#include "checkpoint/named_tensors.h"

namespace wavemt {

/// The mean of the weights of several models. They are summed in double precision, so that the mean
/// of equal weights is exact.
class TensorMean {
 public:
  /// Adds the weights of a model. Throws a usage error that begins with `origin`, and adds nothing,
  /// if there are none, if their names or shapes are others than before, or if a value is not
  /// finite.
  void Add(const NamedTensors& weights, std::string_view origin);

  /// The number of models that were added.
  int64_t count() const { return count_; }

  /// The mean, in the types of the first model, which leaves nothing to be added to.
  ///
  /// REQUIRES: count() > 0
  NamedTensors Take();

 private:
  NamedTensors sums_;
  NamedTensors types_;  // Tensors of the first model's types and shapes, which take no memory.
  int64_t count_ = 0;
};

}  // namespace wavemt
