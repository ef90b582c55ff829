#pragma once

#include <cstdint>
#include <optional>

namespace wavemt {

/// Counts the bytes of all CPU tensors as LibTorch allocates them, asks for large pages for them,
/// and rejects allocations that would exceed a limit. The same work reaches the limit at the same
/// allocation every time, which makes training under a limit repeatable.
///
/// There is one counter per process, because LibTorch has one CPU allocator.
class TensorMemory {
 public:
  /// Starts counting. Tensors that already exist are never counted.
  static void BeginCounting();

  /// The bytes of the counted tensors that exist now. Scalars and other tiny tensors are not
  /// counted: some of them depend on what was logged, which must not affect whether a batch fits.
  static int64_t InUse();

  /// From now on, an allocation that would exceed `bytes` throws c10::OutOfMemoryError.
  /// REQUIRES: BeginCounting()
  static void SetLimit(int64_t bytes);

  /// From now on, large tensors are taken from a BlockCache instead of the C library's heap.
  /// REQUIRES: BeginCounting()
  static void KeepLargeApart();

  /// Returns freed memory that is kept for reuse to the system.
  static void Release();
  /// From now on, this is done before the process's own memory exceeds `bytes`.
  static void SetProcessLimit(int64_t bytes);
  /// The limit of SetLimit(); nothing if there is none.
  static std::optional<int64_t> Limit();
};

}  // namespace wavemt
