#include "model/dropout_kernel.h"

#include <cmath>

#include "support/bfloat16.h"
#include "support/vectorize.h"

namespace wavemt {
namespace {

// MurmurHash3's finalizer (Appleby): every bit of the input changes each bit of the output with
// probability 1/2.
WAVEMT_INLINE uint32_t Mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x85EBCA6BU;
  x ^= x >> 13;
  x *= 0xC2B2AE35U;
  x ^= x >> 16;
  return x;
}

// Two keyed rounds, so that the bits of different keys are not shifts of one another.
WAVEMT_INLINE uint32_t RandomBits(uint32_t low_key, uint32_t high_key, uint32_t number) {
  return Mix(Mix(number ^ low_key) ^ high_key);
}

// A rule as the loops use it.
class Choice {
 public:
  explicit Choice(const DropoutRule& rule)
      : low_key_(static_cast<uint32_t>(rule.key)),
        high_key_(static_cast<uint32_t>(rule.key >> 32)),
        threshold_(rule.threshold),
        scale_(rule.scale) {}

  WAVEMT_INLINE float operator()(int64_t number, float value) const {
    const uint32_t bits = RandomBits(low_key_, high_key_, static_cast<uint32_t>(number));
    return bits >= threshold_ ? value * scale_ : 0.0F;
  }

 private:
  uint32_t low_key_;
  uint32_t high_key_;
  uint32_t threshold_;
  float scale_;
};

}  // namespace

DropoutRule DropoutRule::Make(double p, uint64_t key) {
  return {.key = key,
          .threshold = static_cast<uint32_t>(std::lround(p * 4294967295.0)),
          .scale = static_cast<float>(1.0 / (1.0 - p))};
}

WAVEMT_VECTORIZED void DropoutAddRange(const DropoutRule& rule, const float* base,
                                       const float* values, float* output, int64_t begin,
                                       int64_t end) {
  const Choice keep(rule);
  const bool has_base = base != nullptr;
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) {
    const float kept = keep(i, values[i]);
    output[i] = has_base ? base[i] + kept : kept;
  }
}

WAVEMT_VECTORIZED void DropoutAddRange(const DropoutRule& rule, const float* base,
                                       const uint16_t* values, float* output, int64_t begin,
                                       int64_t end) {
  const Choice keep(rule);
  const bool has_base = base != nullptr;
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) {
    const float kept = keep(i, FromBfloat16(values[i]));
    output[i] = has_base ? base[i] + kept : kept;
  }
}

WAVEMT_VECTORIZED void DropoutRange(const DropoutRule& rule, const float* values, uint16_t* output,
                                    int64_t begin, int64_t end) {
  const Choice keep(rule);
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) output[i] = ToBfloat16(keep(i, values[i]));
}

WAVEMT_VECTORIZED void DropoutRange(const DropoutRule& rule, const uint16_t* values,
                                    uint16_t* output, int64_t begin, int64_t end) {
  const Choice keep(rule);
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) {
    output[i] = ToBfloat16(keep(i, FromBfloat16(values[i])));
  }
}

}  // namespace wavemt
