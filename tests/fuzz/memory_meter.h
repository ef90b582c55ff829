#pragma once

#include <cstdint>

namespace wavemt {

// Measures the peak of allocated memory since the meter was created. Only the address sanitizer
// reports every allocation; without it, nothing is measured. Use one meter at a time, on one
// thread.
class MemoryMeter {
 public:
#if defined(__SANITIZE_ADDRESS__)
  static constexpr bool kMeasures = true;
#else
  static constexpr bool kMeasures = false;
#endif

  MemoryMeter();
  ~MemoryMeter();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;

  int64_t peak() const;

  // Makes the sanitizer call `function` before it ends the program. False without a sanitizer.
  static bool CallOnSanitizerReport(void (*function)());
};

}  // namespace wavemt
