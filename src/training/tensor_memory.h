#pragma once

#include <cstdint>
#include <optional>

namespace wavemt {

/// Counts the bytes of all tensors on the CPU where LibTorch allocates them, and refuses what would
/// lead above a limit. The same work meets the limit at the same place every time: that is what
/// makes a training under a limit repeatable.
///
/// One for the process, as LibTorch has one CPU allocator.
class TensorMemory {
 public:
  /// Begins to count. Tensors that are there already are never counted.
  static void BeginCounting();

  /// Bytes of the counted tensors that live. Scalars and other tiny tensors are left out: some come
  /// and go with what was logged, and must not decide whether a batch fits.
  static int64_t InUse();

  /// From now on an allocation that would lead above `bytes` throws c10::OutOfMemoryError.
  /// REQUIRES: BeginCounting()
  static void SetLimit(int64_t bytes);

  /// From now on memory that was freed and is kept for the next use (KeepFreedMemory()) is given
  /// back before the process's own memory grows above `bytes`.
  static void SetProcessLimit(int64_t bytes);
  /// Nothing without a limit.
  static std::optional<int64_t> Limit();
};

}  // namespace wavemt
