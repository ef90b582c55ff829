#pragma once

#include <torch/torch.h>

#include "config/config.h"

namespace wavemt {

/// While this exists, matrix products on `device` run in bfloat16 if `precision` is bf16.
/// Operations that need the range of fp32 (norms, softmax, loss) stay in fp32.
class Autocast {
 public:
  Autocast(torch::Device device, Precision precision);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

  /// Whether there is one on this thread: bf16, or else fp32.
  static Precision PrecisionOn(torch::Device device);

 private:
  at::DeviceType device_type_;
  bool enabled_;
  bool previously_enabled_ = false;
};

}  // namespace wavemt
