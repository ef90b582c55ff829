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

// Two keyed rounds, so that different keys do not give shifted copies of the same bits.
WAVEMT_INLINE uint32_t RandomBits(uint32_t low_key, uint32_t high_key, uint32_t index) {
  return Mix(Mix(index ^ low_key) ^ high_key);
}

WAVEMT_INLINE float Load(float value) { return value; }
WAVEMT_INLINE float Load(uint16_t bits) { return FromBfloat16(bits); }
WAVEMT_INLINE void Store(float value, float* output) { *output = value; }
WAVEMT_INLINE void Store(float value, uint16_t* output) { *output = ToBfloat16(value); }

template <typename Value, typename Output>
WAVEMT_INLINE void Apply(const DropoutRule& rule, const float* base, const Value* values,
                         Output* output, int64_t begin, int64_t end) {
  const auto low_key = static_cast<uint32_t>(rule.key);
  const auto high_key = static_cast<uint32_t>(rule.key >> 32);
  const uint32_t threshold = rule.threshold;
  const float scale = rule.scale;
  const bool has_base = base != nullptr;
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) {
    const float value = Load(values[i]);  // Always: a conditional load is slower.
    const uint32_t bits = RandomBits(low_key, high_key, static_cast<uint32_t>(i));
    const float kept = bits >= threshold ? value * scale : 0.0F;
    Store(has_base ? base[i] + kept : kept, output + i);
  }
}

}  // namespace

DropoutRule DropoutRule::Make(double p, uint64_t key) {
  return {.key = key,
          .threshold = static_cast<uint32_t>(std::lround(p * 4294967295.0)),
          .scale = static_cast<float>(1.0 / (1.0 - p))};
}

WAVEMT_VECTORIZED void DropoutAddRange(const DropoutRule& rule, const float* base,
                                       const float* values, float* output, int64_t begin,
                                       int64_t end) {
  Apply(rule, base, values, output, begin, end);
}

WAVEMT_VECTORIZED void DropoutAddRange(const DropoutRule& rule, const float* base,
                                       const uint16_t* values, float* output, int64_t begin,
                                       int64_t end) {
  Apply(rule, base, values, output, begin, end);
}

WAVEMT_VECTORIZED void DropoutAddRange(const DropoutRule& rule, const float* base,
                                       const float* values, uint16_t* output, int64_t begin,
                                       int64_t end) {
  Apply(rule, base, values, output, begin, end);
}

WAVEMT_VECTORIZED void DropoutAddRange(const DropoutRule& rule, const float* base,
                                       const uint16_t* values, uint16_t* output, int64_t begin,
                                       int64_t end) {
  Apply(rule, base, values, output, begin, end);
}

}  // namespace wavemt
