#include "support/block_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace wavemt {
namespace {

constexpr size_t kUnit = 64 << 10;  // A multiple of the page size of all processors we know.
constexpr size_t kLargePage = 2 << 20;

using Block = std::span<std::byte>;

void Unmap(Block block) {
  if (!block.empty()) munmap(block.data(), block.size());
}

// Begins at a large page if it can hold one. Empty if the system has no more memory.
Block Map(size_t bytes) {
  const size_t room = bytes >= kLargePage ? kLargePage : 0;
  void* const memory = mmap(nullptr, bytes + room, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, /*offset=*/0);
  if (memory == MAP_FAILED) return {};
  const Block mapped(static_cast<std::byte*>(memory), bytes + room);
  const size_t offset = reinterpret_cast<uintptr_t>(memory) % kLargePage;
  const size_t before = room > 0 && offset > 0 ? kLargePage - offset : 0;
  const Block block = mapped.subspan(before, bytes);
  Unmap(mapped.first(before));
  Unmap(mapped.subspan(before + bytes));
#if defined(MADV_HUGEPAGE)
  // Where there are no large pages, small ones do as well.
  if (room > 0) madvise(block.data(), block.size(), MADV_HUGEPAGE);
#endif
  return block;
}

}  // namespace

BlockCache::~BlockCache() { Release(); }

std::span<std::byte> BlockCache::TakeKept(size_t bytes) {
  const std::scoped_lock lock(mutex_);
  // The smallest that fits; of several, the one that came back last, which the processor's caches
  // may still hold. One that is much too large would leave the next large tensor without.
  const size_t largest = bytes + bytes / 8 + kUnit;
  auto best = kept_.end();
  for (auto it = kept_.begin(); it != kept_.end(); ++it) {
    const bool fits = bytes <= it->size() && it->size() <= largest;
    if (fits && (best == kept_.end() || it->size() <= best->size())) best = it;
  }
  if (best == kept_.end()) return {};
  const Block block = *best;
  kept_.erase(best);
  kept_bytes_ -= block.size();
  CountInUse(block);
  return block;
}

std::span<std::byte> BlockCache::TakeNew(size_t bytes) {
  const std::scoped_lock lock(mutex_);
  const size_t size = (bytes + kUnit - 1) / kUnit * kUnit;
  const size_t most_in_use = std::max(most_in_use_, in_use_ + size);
  ReleaseOldest(most_in_use + most_in_use / 4 - in_use_ - size);
  Block block = Map(size);
  if (block.empty()) {
    ReleaseOldest(0);
    block = Map(size);
  }
  if (block.empty()) throw std::bad_alloc();
  CountInUse(block);
  return block;
}

void BlockCache::Return(std::span<std::byte> block) {
  const std::scoped_lock lock(mutex_);
  in_use_ -= block.size();
  kept_bytes_ += block.size();
  kept_.push_back(block);
}

void BlockCache::Release() {
  const std::scoped_lock lock(mutex_);
  ReleaseOldest(0);
}

size_t BlockCache::kept_bytes() const {
  const std::scoped_lock lock(mutex_);
  return kept_bytes_;
}

void BlockCache::CountInUse(Block block) {
  in_use_ += block.size();
  most_in_use_ = std::max(most_in_use_, in_use_);
}

void BlockCache::ReleaseOldest(size_t kept_most) {
  auto end = kept_.begin();
  for (; kept_bytes_ > kept_most; ++end) {
    kept_bytes_ -= end->size();
    Unmap(*end);
  }
  kept_.erase(kept_.begin(), end);
}

}  // namespace wavemt
