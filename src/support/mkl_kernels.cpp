#include "support/mkl_kernels.h"

#if defined(__x86_64__)
// MKL calls this function to check for an Intel processor before it checks which instructions are
// supported. A definition in the program takes precedence over MKL's own. Only the choice of
// kernels is affected: unsupported instructions are still not used.
extern "C" int mkl_serv_intel_cpu_true() {  // NOLINT(readability-identifier-naming)
  return wavemt::MklUsesAllInstructions() ? 1 : 0;
}
#endif

namespace wavemt {

bool MklUsesAllInstructions() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

}  // namespace wavemt
