#pragma once

#include <torch/torch.h>

#include "config/config.h"

namespace wavemt {

/// What "auto" chooses, and why.
struct PrecisionChoice {
  Precision precision = Precision::kFp32;
  double gain = 1;  // How many times as fast as in fp32 matrix products run in bf16.
};

/// Decides "auto" for the model of `config` on this device by a short measurement of its largest
/// matrix product. Chooses bf16 only if it is clearly faster, because it is less accurate.
PrecisionChoice ChoosePrecision(const Config& config, torch::Device device);

/// The precision to use on this device: training.precision, with "auto" decided by
/// ChoosePrecision(), which is logged.
Precision ResolvePrecision(const Config& config, torch::Device device);

}  // namespace wavemt
