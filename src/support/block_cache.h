#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

namespace wavemt {

/// Large blocks of memory, each mapped by itself, in pages of 2 MB where the system gives them. A
/// block that comes back is kept for the next one of about its size: new pages would first have to
/// be cleared by the system. Together, the blocks in use and those that are kept take at most a
/// quarter more than was ever in use at once.
///
/// A heap does this worse for training, where large tensors live for an instant and small gradients
/// among them until the end of the step: what the large ones leave between the small ones fits
/// nothing that comes later.
///
/// Safe for use on several threads.
class BlockCache {
 public:
  BlockCache() = default;
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  /// A kept block of at least `bytes`, and not much more; empty if there is none. It begins with a
  /// page, and holds what it held before.
  std::span<std::byte> TakeKept(size_t bytes);

  /// A new block of at least `bytes`, for which old ones may be returned to the system. Throws
  /// std::bad_alloc if it has no memory left.
  /// REQUIRES: bytes > 0
  std::span<std::byte> TakeNew(size_t bytes);

  /// Gives back a block, which is kept.
  void Return(std::span<std::byte> block);

  /// Returns all blocks that are kept to the system.
  void Release();

  /// The bytes of the blocks that are kept.
  size_t kept_bytes() const;

 private:
  using Block = std::span<std::byte>;

  void CountInUse(Block block);
  void ReleaseOldest(size_t kept_most);  // Until at most so many bytes are kept.

  mutable std::mutex mutex_;
  std::vector<Block> kept_;  // In the order in which they came back.
  size_t kept_bytes_ = 0;
  size_t in_use_ = 0;  // Bytes.
  size_t most_in_use_ = 0;
};

}  // namespace wavemt
