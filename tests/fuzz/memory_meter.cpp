#include "memory_meter.h"

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)

#include <sanitizer/common_interface_defs.h>

// From sanitizer/allocator_interface.h: gcc provides the functions but not the header.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, size_t),
                                                         void (*)(const volatile void*));
extern "C" size_t __sanitizer_get_allocated_size(const volatile void*);

// Recording a stack for every allocation takes half of the time. To get stacks, rerun the failing
// input alone with ASAN_OPTIONS=malloc_context_size=30. The quarantine of freed memory, which
// detects use after free, is as effective here when it is smaller.
extern "C" const char* __asan_default_options() {  // NOLINT: the sanitizer's name.
  return "malloc_context_size=0:quarantine_size_mb=8:max_allocation_size_mb=1024";
}
extern "C" const char* __ubsan_default_options() {  // NOLINT: the sanitizer's name.
  return "halt_on_error=1:print_stacktrace=1";
}

namespace wavemt {
namespace {

// Global, because the hooks cannot be passed an argument.
struct Meter {
  bool running = false;
  int64_t allocated = 0;
  int64_t peak = 0;
} meter;

void OnAllocation(const volatile void*, size_t size) {
  if (!meter.running) return;
  meter.allocated += static_cast<int64_t>(size);
  if (meter.allocated > meter.peak) meter.peak = meter.allocated;
}

void OnFree(const volatile void* memory) {
  if (!meter.running || memory == nullptr) return;
  meter.allocated -= static_cast<int64_t>(__sanitizer_get_allocated_size(memory));
}

}  // namespace

MemoryMeter::MemoryMeter() {
  static const int installed = __sanitizer_install_malloc_and_free_hooks(OnAllocation, OnFree);
  (void)installed;
  meter = {.running = true};
}

MemoryMeter::~MemoryMeter() { meter.running = false; }

int64_t MemoryMeter::peak() const { return meter.peak; }

bool MemoryMeter::CallOnSanitizerReport(void (*function)()) {
  __sanitizer_set_death_callback(function);
  return true;
}

}  // namespace wavemt

#else

namespace wavemt {

MemoryMeter::MemoryMeter() = default;
MemoryMeter::~MemoryMeter() = default;
int64_t MemoryMeter::peak() const { return 0; }
bool MemoryMeter::CallOnSanitizerReport(void (*)()) { return false; }

}  // namespace wavemt

#endif
