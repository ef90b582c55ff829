#pragma once

#include <cstdint>

namespace wavemt {

/// The gradient of a linear layer's result, [rows, columns], as the products of its backward pass
/// take it. All of it is made in one pass. uint16_t holds the bits of a bfloat16.
struct PreparedGradient {
  uint16_t* rows = nullptr;        // [rows, columns]
  uint16_t* transposed = nullptr;  // [columns, transposed_stride]; null: not wanted.
  int64_t transposed_stride = 0;
  float* sums = nullptr;  // [columns], to which the sums over the rows are added.
};

/// Fills `to` from `from`, [rows, columns], in fp32 or bf16. Where `active`, [rows, columns], has a
/// zero, so has the gradient: that of relu, whose result `active` is. Null: nothing is cut.
void PrepareGradient(const float* from, const uint16_t* active, int64_t rows, int64_t columns,
                     const PreparedGradient& to);
void PrepareGradient(const uint16_t* from, const uint16_t* active, int64_t rows, int64_t columns,
                     const PreparedGradient& to);

}  // namespace wavemt
