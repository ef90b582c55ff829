#pragma once

#include <cstdint>
#include <string>

#include "distributed/world.h"

namespace wavemt {

/// A limit on the memory of the whole process (--memory-limit). It covers everything that the
/// system cannot reclaim, and the pages of the program and its libraries, but not a mapped corpus.
struct MemoryLimit {
  int64_t bytes = 0;    // 0: no limit.
  int64_t program = 0;  // Expected bytes of pages of the program and its libraries.

  /// Starts counting tensors. To be called before a command creates any. A usage error if the
  /// system does not report how much memory a process uses.
  static MemoryLimit Begin(int64_t bytes);

  /// What a batch does not fit, for messages: "a --memory-limit of 2.0 GB", or, without a limit,
  /// the memory of the machine or its GPU.
  std::string Description(bool is_gpu) const;
};

/// How much of a limit is available for tensors. Everything else (the corpus, buffers) is measured
/// once, and a reserve is set aside for later allocations.
struct MemoryBudget {
  int64_t limit = 0;    // 0: no limit.
  int64_t tensors = 0;  // Bytes.

  /// The budget of the process in its present state, with `planned` bytes of tensors yet to be
  /// created before the first batch. If the limit is too small, throws a usage error that names a
  /// sufficient one.
  static MemoryBudget Measure(const MemoryLimit& limit, int64_t planned);

  /// Keeps tensors within `limit` from now on, with `planned` bytes of tensors yet to be created,
  /// and logs the budget. A resumed run keeps its earlier budget `before` if that still holds, so
  /// that the same batches are split. All ranks of `world` have the budget of the one with the
  /// least. Without a limit, does nothing and returns `before`.
  static MemoryBudget Enforce(const MemoryLimit& limit, const MemoryBudget& before, int64_t planned,
                              World& world);

  /// Whether this budget, from earlier in the same run, still holds when `measured` is what would
  /// be given now.
  bool StillHolds(const MemoryBudget& measured) const;
};

}  // namespace wavemt
