#pragma once

namespace wavemt {

/// Whether Intel's MKL, which LibTorch uses for matrix products on x86, may choose kernels by the
/// instructions that the processor supports. By default MKL uses its slowest kernels on other
/// makers' processors: on an AMD EPYC with AVX-512, fp32 products ran at 105 GFLOP/s per core
/// instead of 245.
bool MklUsesAllInstructions();

}  // namespace wavemt
