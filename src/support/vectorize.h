#pragma once

/// Marks a function whose loops are compiled several times, for the vector instructions of older
/// and newer processors; the fitting one is chosen when the program starts. Such functions work on
/// plain arrays; what they call must be inlined into them, hence WAVEMT_INLINE.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#define WAVEMT_VECTORIZED \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else  // Knows no levels of x86-64, only single features.
#define WAVEMT_VECTORIZED __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#else
#define WAVEMT_VECTORIZED
#endif
#define WAVEMT_INLINE inline __attribute__((always_inline))
