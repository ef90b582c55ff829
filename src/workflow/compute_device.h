#pragma once

#include <torch/torch.h>

#include <string>

namespace wavemt {

/// The options that say what a command computes on, as typed.
struct ComputeOptions {
  std::string device = "auto";
  int threads = 0;  // 0: LibTorch's choice.
};

/// Selects "auto" (a GPU if there is one), "cpu", "cuda" or "cuda:N". A usage error for anything
/// else and for a GPU that does not exist. Also sets LibTorch's number of threads.
torch::Device SelectDevice(const ComputeOptions& options);

/// "cpu, 2 threads" or "cuda:0".
std::string DescribeDevice(torch::Device device);

}  // namespace wavemt
