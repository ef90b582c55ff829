#pragma once

#include <cstdint>

namespace wavemt {

/// NumPy's numpy.random.default_rng(seed): the generator PCG64 (O'Neill 2014, XSL-RR 128/64),
/// seeded with SeedSequence, and its methods for arrays of random integers.
class NumpyRandom {
 public:
  explicit NumpyRandom(uint64_t seed);

  uint64_t Next64();
  /// The halves of a Next64(), lower half first.
  uint32_t Next32();

  /// The next element, from 0 to bound - 1, of the 64-bit array choice(bound, size) or
  /// integers(bound, size=size) (Lemire 2019). REQUIRES: 1 <= bound < 2^32.
  uint32_t Below(uint32_t bound);

 private:
  using uint128 = unsigned __int128;

  void Advance();

  uint128 state_ = 0;
  uint128 increment_ = 0;
  bool has_half_ = false;
  uint32_t half_ = 0;
};

/// The elements of an array integers(2, size=size, dtype=bool): the bits of 32-bit numbers, lowest
/// first.
class NumpyRandomBits {
 public:
  explicit NumpyRandomBits(NumpyRandom* random) : random_(random) {}
  bool Next();

 private:
  NumpyRandom* random_;
  uint32_t bits_ = 0;
  int num_bits_ = 0;
};

}  // namespace wavemt
