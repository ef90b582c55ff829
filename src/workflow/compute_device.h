#pragma once

#include <torch/torch.h>

#include <string>

namespace wavemt {

/// What a command computes on, as typed.
struct ComputeOptions {
  std::string device = "auto";
  int threads = 0;  // 0: LibTorch's choice.
};

/// "auto" (a GPU if there is one), "cpu", "cuda" or "cuda:N". A usage error for anything else and
/// for a GPU that is not there. Sets LibTorch's number of threads as well.
torch::Device SelectDevice(const ComputeOptions& options);

/// "cpu, 2 threads" or "cuda:0".
std::string DescribeDevice(torch::Device device);

}  // namespace wavemt
