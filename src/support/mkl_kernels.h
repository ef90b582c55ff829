#pragma once

namespace wavemt {

/// Whether Intel's MKL, which multiplies LibTorch's matrices on x86, may choose its kernels by the
/// processor's instructions alone. On other makers' processors it would take its oldest ones:
/// products of fp32 matrices ran at 105 GFLOP/s a core instead of 245 on an AMD EPYC with AVX-512.
bool MklUsesAllInstructions();

}  // namespace wavemt
