#pragma once

#include <torch/torch.h>

#include "config/config.h"

namespace wavemt {

/// What training.precision means on this device: itself, and for "auto" what a short measurement of
/// the model's largest matrix product says. bf16 has to be clearly faster, for it costs digits.
Precision ResolvePrecision(const Config& config, torch::Device device);

}  // namespace wavemt
