#include "support/memory.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace wavemt {

void KeepFreedMemory() {
#if defined(__GLIBC__)
  constexpr int kLargestThreshold = 32 << 20;  // What glibc takes at most.
  mallopt(M_MMAP_THRESHOLD, kLargestThreshold);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

}  // namespace wavemt
