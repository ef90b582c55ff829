#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace wavemt {

/// The size of a packed integer in bytes.
enum class IntWidth : uint64_t { kTwo = 2, kFour = 4 };

/// The smallest width for numbers from 0 to `largest`.
inline IntWidth WidthFor(int64_t largest) {
  return largest <= INT64_C(0xFFFF) ? IntWidth::kTwo : IntWidth::kFour;
}

/// A read-only array of little-endian integers of 2 or 4 bytes, with any alignment. Does not own
/// its bytes.
class PackedInts {
 public:
  PackedInts() = default;
  PackedInts(std::span<const char> bytes, IntWidth width) : bytes_(bytes), width_(width) {}

  uint64_t size() const { return bytes_.size() / static_cast<uint64_t>(width_); }
  uint32_t operator[](uint64_t index) const {
    return width_ == IntWidth::kTwo ? Load<uint16_t>(index) : Load<uint32_t>(index);
  }

 private:
  template <typename T>
  uint32_t Load(uint64_t index) const {
    T value = 0;
    std::memcpy(&value, bytes_.data() + index * sizeof(T), sizeof(T));
    return value;
  }

  std::span<const char> bytes_;
  IntWidth width_ = IntWidth::kFour;
};

/// REQUIRES: `value` fits the width.
inline void AppendPacked(std::string* bytes, uint32_t value, IntWidth width) {
  bytes->append(reinterpret_cast<const char*>(&value), static_cast<size_t>(width));
}

}  // namespace wavemt
