#pragma once

#include <torch/torch.h>

#include <functional>

namespace wavemt {

/// Returns once a GPU has done what it was given; at once for the CPU.
void WaitFor(torch::Device device);

/// The shortest time of several rounds of `work` on `device`, in seconds: what it takes where
/// nothing else is in the way.
double BestSeconds(int rounds, torch::Device device, const std::function<void()>& work);

}  // namespace wavemt
