#pragma once

#include <cstdint>

namespace wavemt {

/// Which elements a dropout keeps. That is a pure function of `key` and the element's index, so the
/// backward pass repeats the choice instead of reading a stored mask.
struct DropoutRule {
  uint64_t key = 0;
  uint32_t threshold = 0;  // An element is kept if its 32 random bits, as a number, reach this.
  float scale = 1;         // 1 / (1 - p), applied to the kept elements.

  /// 0 <= p < 1
  static DropoutRule Make(double p, uint64_t key);
};

/// output[i] = base[i] + dropout(values[i]) for i in [begin, end). A null `base` counts as 0, and
/// `output` may be one of the inputs. uint16_t holds the bits of a bfloat16.
void DropoutAddRange(const DropoutRule& rule, const float* base, const float* values, float* output,
                     int64_t begin, int64_t end);
void DropoutAddRange(const DropoutRule& rule, const float* base, const uint16_t* values,
                     float* output, int64_t begin, int64_t end);
void DropoutAddRange(const DropoutRule& rule, const float* base, const float* values,
                     uint16_t* output, int64_t begin, int64_t end);
void DropoutAddRange(const DropoutRule& rule, const float* base, const uint16_t* values,
                     uint16_t* output, int64_t begin, int64_t end);

}  // namespace wavemt
