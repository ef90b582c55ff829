#pragma once

#include <torch/torch.h>

#include <functional>

namespace wavemt {

/// The shortest time of several rounds of `work` on `device`, in seconds: what it takes where
/// nothing else is in the way.
double BestSeconds(int rounds, torch::Device device, const std::function<void()>& work);

}  // namespace wavemt
