#pragma once

#include "checkpoint/named_tensors.h"

namespace wavemt {

/// An exponential moving average of a model's weights. The decay of update n is
///   min(decay, (1 + n) / (10 + n)),
/// so that the random initial weights are soon forgotten (as in TensorFlow's
/// ExponentialMovingAverage).
class WeightAverage {
 public:
  WeightAverage(const NamedTensors& parameters, double decay);

  /// Moves the average towards the weights; `step` is the number of the update, from 1. Nothing
  /// changes if `found_inf`, a scalar on the device, is 1 (see Optimizer::Step()).
  void Update(int64_t step, const torch::Tensor& found_inf = {});

  /// The average by parameter name, not a copy.
  const NamedTensors& tensors() const { return average_; }

  /// Puts the average into the model for as long as this object exists.
  class Applied {
   public:
    explicit Applied(const WeightAverage& average);
    ~Applied();
    Applied(const Applied&) = delete;
    Applied& operator=(const Applied&) = delete;

   private:
    NamedTensors parameters_;
    NamedTensors weights_;
  };

 private:
  NamedTensors parameters_;
  NamedTensors average_;
  double decay_;
};

}  // namespace wavemt
