#include "training/tensor_memory.h"

#include <c10/core/CPUAllocator.h>
#include <torch/torch.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>

#include "support/block_cache.h"
#include "support/memory.h"

namespace wavemt {
namespace {

constexpr size_t kTiny = 1024;
constexpr size_t kLarge = 256 << 10;  // Large enough to check the memory of the process.
constexpr size_t kApart = 1 << 20;    // Large enough for a block of its own.
constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

// LibTorch's own allocator with a counter and, if asked, a cache of blocks for large tensors. A
// header in front of the data says where it is from; it keeps LibTorch's alignment.
class CountingAllocator final : public c10::Allocator {
 public:
  explicit CountingAllocator(c10::Allocator* heap) : heap_(heap) {}

  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &Free, c10::kCPU};
    const auto counted = static_cast<int64_t>(bytes < kTiny ? 0 : bytes);
    Take(counted);
    try {
      return Allocate(bytes, counted);
    } catch (...) {
      in_use_ -= counted;
      throw;
    }
  }

  // Some kernels of LibTorch use plain pointers.
  c10::DeleterFnPtr raw_deleter() const override { return &Free; }

  void copy_data(void* destination, const void* source, size_t bytes) const override {
    default_copy_data(destination, source, bytes);
  }

  int64_t in_use() const { return in_use_; }
  void set_limit(int64_t bytes) { limit_ = bytes; }
  void set_process_limit(int64_t bytes) { process_limit_ = bytes; }
  int64_t limit() const { return limit_; }
  void KeepLargeApart() { has_blocks_ = true; }

  void Release() {
    blocks_.Release();
    ReleaseFreedMemory();
  }

 private:
  struct alignas(c10::gAlignment) Header {
    CountingAllocator* allocator;
    int64_t counted;
    std::span<std::byte> block;  // Empty unless the tensor has one of its own.
  };

  c10::DataPtr Allocate(size_t bytes, int64_t counted) {
    const size_t size = sizeof(Header) + bytes;
    const bool is_apart = has_blocks_ && bytes >= kApart;
    std::span<std::byte> block;
    if (is_apart) block = blocks_.TakeKept(size);
    if (block.empty() && bytes >= kLarge && process_limit_ != kNoLimit) MakeRoom(counted);
    if (block.empty() && is_apart) block = blocks_.TakeNew(size);
    void* begin = block.empty() ? TakeFromHeap(size) : block.data();
    auto* header = new (begin) Header{.allocator = this, .counted = counted, .block = block};
    void* data = header + 1;
    return {data, data, &Free, c10::kCPU};
  }

  void* TakeFromHeap(size_t bytes) {
    void* memory = nullptr;
    try {
      memory = heap_->raw_allocate(bytes);
    } catch (const c10::Error&) {
      if (!has_blocks_) throw;
      Release();
      memory = heap_->raw_allocate(bytes);
    }
    if (bytes >= kLarge && HeapEnd() != heap_end_) heap_end_ = UseLargePages(heap_end_);
    return memory;
  }

  void Take(int64_t bytes) {
    const int64_t in_use = in_use_ += bytes;
    if (in_use <= limit_) return;
    in_use_ -= bytes;
    TORCH_CHECK_WITH(OutOfMemoryError, false, "a tensor of ", bytes, " bytes beside ",
                     in_use - bytes, " exceeds the limit of ", limit_.load(), " bytes");
  }

  // Releases freed memory if a block of `bytes` would otherwise exceed the process's limit.
  void MakeRoom(int64_t bytes) {
    const auto memory = MeasureProcessMemory();
    if (memory && memory->anonymous + bytes > process_limit_) Release();
  }

  static void Free(void* data) {
    if (data == nullptr) return;
    Header* header = static_cast<Header*>(data) - 1;
    CountingAllocator* self = header->allocator;
    self->in_use_ -= header->counted;
    if (const auto block = header->block; !block.empty()) {
      self->blocks_.Return(block);
    } else {
      self->heap_->raw_deallocate(header);
    }
  }

  c10::Allocator* heap_;
  std::atomic<bool> has_blocks_ = false;
  BlockCache blocks_;
  // The products of a training step read columns of large matrices, which takes fewer addresses to
  // look up on large pages (scripts/README.md, training on the CPU).
  std::atomic<uintptr_t> heap_end_ = HeapEnd();  // Up to here, the heap has large pages.
  std::atomic<int64_t> in_use_ = 0;
  std::atomic<int64_t> limit_ = kNoLimit;
  std::atomic<int64_t> process_limit_ = kNoLimit;
};

// LibTorch requires an allocator that lives as long as the process, because tensors may outlive
// main().
CountingAllocator& TheAllocator() {
  static auto* const allocator = new CountingAllocator(c10::GetDefaultCPUAllocator());
  return *allocator;
}

}  // namespace

void TensorMemory::BeginCounting() {
  constexpr uint8_t kHighestPriority = 255;
  c10::SetCPUAllocator(&TheAllocator(), kHighestPriority);
}

int64_t TensorMemory::InUse() { return TheAllocator().in_use(); }

void TensorMemory::SetLimit(int64_t bytes) { TheAllocator().set_limit(bytes); }

void TensorMemory::KeepLargeApart() { TheAllocator().KeepLargeApart(); }

void TensorMemory::Release() { TheAllocator().Release(); }

void TensorMemory::SetProcessLimit(int64_t bytes) { TheAllocator().set_process_limit(bytes); }

std::optional<int64_t> TensorMemory::Limit() {
  const int64_t limit = TheAllocator().limit();
  return limit == kNoLimit ? std::nullopt : std::optional(limit);
}

}  // namespace wavemt
