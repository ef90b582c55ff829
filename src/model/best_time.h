#pragma once

#include <torch/torch.h>

#include <functional>

namespace wavemt {

/// Waits until a GPU has finished its work; returns immediately for the CPU.
void WaitFor(torch::Device device);

/// The shortest time of several rounds of `work` on `device`, in seconds: the round that was
/// disturbed least by other programs.
double BestSeconds(int rounds, torch::Device device, const std::function<void()>& work);

}  // namespace wavemt
