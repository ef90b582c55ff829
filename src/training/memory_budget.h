#pragma once

#include <cstdint>
#include <string>

namespace wavemt {

/// A limit on the memory of the whole process (--memory-limit). Everything that the system cannot
/// take back counts, and so do the pages of the program and its libraries; a mapped corpus does
/// not.
struct MemoryLimit {
  int64_t bytes = 0;    // 0: no limit.
  int64_t program = 0;  // Bytes of the program's and its libraries' pages that will be in use.

  /// Begins to count tensors. To be called before a command creates any. A usage error where the
  /// system does not tell how much memory a process holds.
  static MemoryLimit Begin(int64_t bytes);

  /// What runs out where a batch does not fit, for messages: "a --memory-limit of 2.0 GB", or the
  /// memory of the machine or its GPU where there is no limit.
  std::string Description(bool is_gpu) const;
};

/// How much of a limit is for tensors. Everything else (the corpus, buffers) is measured once, with
/// a reserve for what is allocated later.
struct MemoryBudget {
  int64_t limit = 0;    // 0: no limit.
  int64_t tensors = 0;  // Bytes.

  /// The budget of the process as it is now, with `planned` bytes of tensors still to come before
  /// the first batch. A usage error that names a sufficient limit where this one is too small.
  static MemoryBudget Measure(const MemoryLimit& limit, int64_t planned);

  /// Keeps tensors within `limit` from now on, with tensors of `planned` bytes still to come, and
  /// says so. A run that is resumed keeps the budget of `before`, as far as it can: the same
  /// batches are then done in halves. Without a limit nothing happens, and the result is `before`.
  static MemoryBudget Enforce(const MemoryLimit& limit, const MemoryBudget& before,
                              int64_t planned);

  /// Whether this budget, from earlier in the same run, still holds where `measured` is the one
  /// that would be given now.
  bool IsAsGoodAs(const MemoryBudget& measured) const;
};

}  // namespace wavemt
