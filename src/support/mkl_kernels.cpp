#include "support/mkl_kernels.h"

#if defined(__x86_64__)
// MKL asks this function of its own whether the processor is Intel's before it looks at the
// instructions that there are. Standing in the program itself, this one is found first. It concerns
// the choice of kernels only: instructions that the processor lacks are still not used.
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
