#pragma once

#include <cstdint>

namespace wavemt {

/// A limit on the memory of the whole process (--memory-limit). All that the system cannot take
/// back counts, and the pages of the program and its libraries; a mapped corpus does not.
struct MemoryLimit {
  int64_t bytes = 0;    // 0: no limit.
  int64_t program = 0;  // Bytes of these pages, as far as they will be in use.

  /// Begins to count tensors. For the start of a command, before any is made. A usage error where
  /// the system does not tell what a process holds.
  static MemoryLimit Begin(int64_t bytes);
};

/// What a limit leaves for tensors. All else (the corpus, buffers) is measured once, with something
/// added for what comes later.
struct MemoryBudget {
  int64_t limit = 0;    // 0: no limit.
  int64_t tensors = 0;  // Bytes.

  /// The budget of the process as it stands, with tensors of `planned` bytes still to come before
  /// the first batch. A usage error that names what would be enough where this is too much.
  static MemoryBudget Measure(const MemoryLimit& limit, int64_t planned);

  /// Whether this one, from before in the same run, still holds now that `measured` was measured.
  bool IsAsGoodAs(const MemoryBudget& measured) const;
};

}  // namespace wavemt
