#pragma once

/// Compiles a function several times, for different generations of vector instructions; the variant
/// that fits the processor is chosen when the program starts. Use it for loops over plain arrays.
/// The functions that they call must be inlined: mark those WAVEMT_INLINE.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#define WAVEMT_VECTORIZED \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else  // This compiler has no x86-64 levels, only single features.
#define WAVEMT_VECTORIZED __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#else
#define WAVEMT_VECTORIZED
#endif
#define WAVEMT_INLINE inline __attribute__((always_inline))
