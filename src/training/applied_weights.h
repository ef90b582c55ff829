#pragma once

#include "checkpoint/named_tensors.h"

namespace wavemt {

/// Puts other weights into a model for as long as this object exists: they take the place of the
/// model's tensors of the same names, and nothing is copied.
class AppliedWeights {
 public:
  /// REQUIRES: `weights` has a tensor of the same shape, type and device for each of `tensors`
  AppliedWeights(NamedTensors tensors, const NamedTensors& weights);
  ~AppliedWeights();
  AppliedWeights(const AppliedWeights&) = delete;
  AppliedWeights& operator=(const AppliedWeights&) = delete;

 private:
  NamedTensors tensors_;  // The model's own.
  NamedTensors before_;   // What they held.
};

}  // namespace wavemt
