#pragma once

#include <cstdint>

namespace wavemt {

// The most memory that was allocated at once since the meter was made, by whatever means. Only the
// address sanitizer tells of every allocation; without it nothing is measured. One meter at a time,
// on one thread.
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

  // Has a sanitizer call `function` before it ends the program. False without a sanitizer.
  static bool CallOnSanitizerReport(void (*function)());
};

}  // namespace wavemt
