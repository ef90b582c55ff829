#include "training/tensor_memory.h"

#include <c10/core/CPUAllocator.h>
#include <torch/torch.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <limits>

#include "support/memory.h"

namespace wavemt {
namespace {

constexpr size_t kTiny = 1024;
constexpr size_t kLarge = 256 << 10;  // Large enough to check the memory of the process.
constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

// LibTorch's own allocator with a counter. Each block stores its size in front of the data, which
// keeps LibTorch's alignment.
class CountingAllocator final : public c10::Allocator {
 public:
  explicit CountingAllocator(c10::Allocator* allocator) : allocator_(allocator) {}

  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &Free, c10::kCPU};
    const auto counted = static_cast<int64_t>(bytes < kTiny ? 0 : bytes);
    Take(counted);
    if (bytes >= kLarge && process_limit_ != kNoLimit) MakeRoom(counted);
    void* block = nullptr;
    try {
      block = allocator_->raw_allocate(sizeof(Header) + bytes);
    } catch (...) {
      in_use_ -= counted;
      throw;
    }
    if (bytes >= kLarge && HeapEnd() != heap_end_) heap_end_ = UseLargePages(heap_end_);
    auto* header = new (block) Header{.allocator = this, .counted = counted};
    void* data = header + 1;
    return {data, data, &Free, c10::kCPU};
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

 private:
  struct alignas(c10::gAlignment) Header {
    CountingAllocator* allocator;
    int64_t counted;
  };

  void Take(int64_t bytes) {
    const int64_t in_use = in_use_ += bytes;
    if (in_use <= limit_) return;
    in_use_ -= bytes;
    TORCH_CHECK_WITH(OutOfMemoryError, false, "a tensor of ", bytes, " bytes beside ",
                     in_use - bytes, " exceeds the limit of ", limit_.load(), " bytes");
  }

  // Releases freed memory if a block of `bytes` would otherwise exceed the process's limit.
  void MakeRoom(int64_t bytes) const {
    const auto memory = MeasureProcessMemory();
    if (memory && memory->anonymous + bytes > process_limit_) ReleaseFreedMemory();
  }

  static void Free(void* data) {
    if (data == nullptr) return;
    Header* header = static_cast<Header*>(data) - 1;
    CountingAllocator* self = header->allocator;
    self->in_use_ -= header->counted;
    self->allocator_->raw_deallocate(header);
  }

  c10::Allocator* allocator_;
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

void TensorMemory::SetProcessLimit(int64_t bytes) { TheAllocator().set_process_limit(bytes); }

std::optional<int64_t> TensorMemory::Limit() {
  const int64_t limit = TheAllocator().limit();
  return limit == kNoLimit ? std::nullopt : std::optional(limit);
}

}  // namespace wavemt
