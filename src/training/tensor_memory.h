#pragma once

#include <cstdint>
#include <optional>

namespace wavemt {

/// Counts the bytes of all tensors on the CPU as LibTorch allocates them, and refuses an allocation
/// that would exceed a limit. The same work meets the limit at the same allocation every time,
/// which makes training under a limit repeatable.
///
/// One for the process, as LibTorch has one CPU allocator.
class TensorMemory {
 public:
  /// Begins to count. Tensors that are there already are never counted.
  static void BeginCounting();

  /// Bytes of the counted tensors that exist now. Scalars and other tiny tensors are left out: some
  /// depend on what was logged, which must not decide whether a batch fits.
  static int64_t InUse();

  /// From now on an allocation that would exceed `bytes` throws c10::OutOfMemoryError.
  /// REQUIRES: BeginCounting()
  static void SetLimit(int64_t bytes);

  /// From now on freed memory that is kept for the next use (KeepFreedMemory()) goes back to the
  /// system before the process's own memory exceeds `bytes`.
  static void SetProcessLimit(int64_t bytes);
  /// Nothing without a limit.
  static std::optional<int64_t> Limit();
};

}  // namespace wavemt
