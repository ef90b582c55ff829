#pragma once

#include <torch/torch.h>

#include <functional>

namespace wavemt {

/// Returns once a GPU has finished its work; at once for the CPU.
void WaitFor(torch::Device device);

/// The shortest time of several rounds of `work` on `device`, in seconds: the one that other
/// programs disturbed least.
double BestSeconds(int rounds, torch::Device device, const std::function<void()>& work);

}  // namespace wavemt
