#pragma once

#include <c10/core/CPUAllocator.h>
#include <torch/torch.h>

#include <cstdint>
#include <thread>

namespace wavemt {

// Makes tensor allocations of the thread that creates this object fail, as if memory had run out,
// for as long as it exists.
class FailingAllocator {
 public:
  FailingAllocator() : inner_(c10::GetCPUAllocator()) { Install(&Instance(inner_)); }
  ~FailingAllocator() { Install(inner_); }
  FailingAllocator(const FailingAllocator&) = delete;
  FailingAllocator& operator=(const FailingAllocator&) = delete;

  // Makes the n-th allocation from now on fail, n >= 1; 0: none.
  void FailAt(int64_t n) { Instance(inner_).countdown = n; }
  // Makes every allocation of at least `bytes` fail; 0: none.
  void FailFrom(size_t bytes) { Instance(inner_).too_large = bytes; }
  void StopFailing() {
    FailAt(0);
    FailFrom(0);
  }
  bool failed() const { return Instance(inner_).failures > 0; }

 private:
  struct Allocator final : c10::Allocator {
    c10::DataPtr allocate(size_t bytes) override {
      const bool fails =
          std::this_thread::get_id() == thread &&
          ((countdown > 0 && --countdown == 0) || (too_large > 0 && bytes >= too_large));
      if (fails) {
        ++failures;
        TORCH_CHECK_WITH(OutOfMemoryError, false, "no memory for ", bytes, " bytes");
      }
      return inner->allocate(bytes);
    }
    c10::DeleterFnPtr raw_deleter() const override { return inner->raw_deleter(); }
    void copy_data(void* destination, const void* source, size_t bytes) const override {
      default_copy_data(destination, source, bytes);
    }
    c10::Allocator* inner = nullptr;
    std::thread::id thread;
    int64_t countdown = 0;
    size_t too_large = 0;
    int64_t failures = 0;
  };

  // Never destroyed, because tensors keep a pointer to their allocator.
  static Allocator& Instance(c10::Allocator* inner) {
    static auto* const allocator = new Allocator;
    allocator->inner = inner;
    return *allocator;
  }
  static void Install(c10::Allocator* allocator) {
    if (auto* failing = dynamic_cast<Allocator*>(allocator)) {
      failing->thread = std::this_thread::get_id();
      failing->countdown = 0;
      failing->too_large = 0;
      failing->failures = 0;
    }
    constexpr uint8_t kHighestPriority = 255;
    c10::SetCPUAllocator(allocator, kHighestPriority);
  }

  c10::Allocator* inner_;
};

}  // namespace wavemt
