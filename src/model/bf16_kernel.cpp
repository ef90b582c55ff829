#include "model/bf16_kernel.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "support/bfloat16.h"
#include "support/vectorize.h"

namespace wavemt {
namespace {

constexpr int64_t kSide = 8;   // Of the squares that are transposed in registers.
constexpr int64_t kLine = 32;  // Rows that fill a line of the cache when they become columns.

WAVEMT_INLINE float Widened(float value) { return value; }
WAVEMT_INLINE float Widened(uint16_t bits) { return FromBfloat16(bits); }
WAVEMT_INLINE uint16_t Rounded(float value) { return ToBfloat16(value); }
WAVEMT_INLINE uint16_t Rounded(uint16_t bits) { return bits; }

// One row: rounded, cut where `active` is zero, and added to the sums.
template <typename T>
WAVEMT_INLINE void PrepareRow(const T* from, const uint16_t* active, int64_t columns, uint16_t* to,
                              float* sums) {
  constexpr uint16_t kWithoutSign = 0x7FFF;
  if (active == nullptr) {
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) {
      to[c] = Rounded(from[c]);
      sums[c] += Widened(from[c]);
    }
    return;
  }
#pragma omp simd
  for (int64_t c = 0; c < columns; ++c) {
    const bool counts = (active[c] & kWithoutSign) != 0;
    to[c] = counts ? Rounded(from[c]) : uint16_t{0};
    sums[c] += counts ? Widened(from[c]) : 0.0F;
  }
}

using Eight [[gnu::vector_size(16)]] = uint16_t;

WAVEMT_INLINE void TransposeSquare(const uint16_t* from, int64_t stride, uint16_t* to,
                                   int64_t to_stride) {
  std::array<Eight, kSide> a;
  for (size_t i = 0; i < kSide; ++i) {
    std::memcpy(&a[i], from + static_cast<int64_t>(i) * stride, sizeof(Eight));
  }
  // Each round merges row i with row i + 4; after three, rows are columns.
  for (int round = 0; round < 3; ++round) {
    std::array<Eight, kSide> b;
    for (size_t i = 0; i < kSide / 2; ++i) {
      b[2 * i] = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    a = b;
  }
  for (size_t i = 0; i < kSide; ++i) {
    std::memcpy(to + static_cast<int64_t>(i) * to_stride, &a[i], sizeof(Eight));
  }
}

// [rows, columns] -> [columns, to_stride], for the first `rows` columns there.
WAVEMT_INLINE void Transpose(const uint16_t* from, int64_t rows, int64_t columns, uint16_t* to,
                             int64_t to_stride) {
  const int64_t whole_rows = rows / kSide * kSide;
  const int64_t whole_columns = columns / kSide * kSide;
  for (int64_t c = 0; c < whole_columns; c += kSide) {
    for (int64_t r = 0; r < whole_rows; r += kSide) {
      TransposeSquare(from + r * columns + c, columns, to + c * to_stride + r, to_stride);
    }
  }
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = c < whole_columns ? whole_rows : 0; r < rows; ++r) {
      to[c * to_stride + r] = from[r * columns + c];
    }
  }
}

template <typename T>
WAVEMT_INLINE void Prepare(const T* from, const uint16_t* active, int64_t rows, int64_t columns,
                           const PreparedGradient& to) {
  for (int64_t begin = 0; begin < rows; begin += kLine) {
    const int64_t count = std::min(kLine, rows - begin);
    uint16_t* block = to.rows + begin * columns;
    for (int64_t r = 0; r < count; ++r) {
      const int64_t offset = (begin + r) * columns;
      PrepareRow(from + offset, active == nullptr ? nullptr : active + offset, columns,
                 block + r * columns, to.sums);
    }
    if (to.transposed != nullptr) {
      Transpose(block, count, columns, to.transposed + begin, to.transposed_stride);
    }
  }
}

}  // namespace

WAVEMT_VECTORIZED void PrepareGradient(const float* from, const uint16_t* active, int64_t rows,
                                       int64_t columns, const PreparedGradient& to) {
  Prepare(from, active, rows, columns, to);
}

WAVEMT_VECTORIZED void PrepareGradient(const uint16_t* from, const uint16_t* active, int64_t rows,
                                       int64_t columns, const PreparedGradient& to) {
  Prepare(from, active, rows, columns, to);
}

}  // namespace wavemt
