#pragma once

#include <string>

namespace wavemt {

/// What LibTorch says of itself, here.
struct LibTorchFacts {
  std::string version{};     // "2.13.0"
  std::string capability{};  // The instructions that its own loops use here: "AVX2".
  std::string mkl{};         // What its MKL calls itself; empty: it has none.
  std::string cuda{};        // The CUDA that it was built with, "12.8"; empty: none.
};

LibTorchFacts DescribeLibTorch();

/// Why LibTorch cannot use a GPU, in its own words; empty if it can.
/// REQUIRES: it was built with CUDA.
std::string WhyLibTorchHasNoGpu();

}  // namespace wavemt
