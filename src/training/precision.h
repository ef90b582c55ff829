#pragma once

#include <torch/torch.h>

#include "config/config.h"

namespace wavemt {

/// The precision to use on this device: training.precision, with "auto" decided by a short
/// measurement of the model's largest matrix product. Chooses bf16 only if it is clearly faster,
/// because it is less accurate.
Precision ResolvePrecision(const Config& config, torch::Device device);

}  // namespace wavemt
