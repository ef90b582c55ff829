#include "model/best_time.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace wavemt {

void WaitFor(torch::Device device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

double BestSeconds(int rounds, torch::Device device, const std::function<void()>& work) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < rounds; ++i) {
    WaitFor(device);
    const auto start = std::chrono::steady_clock::now();
    work();
    WaitFor(device);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::min(best, seconds.count());
  }
  return best;
}

}  // namespace wavemt
