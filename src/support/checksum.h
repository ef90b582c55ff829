#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wavemt {

/// CRC-32 (as in zlib, gzip and PNG) of all data added. Detects any change confined to 32 adjacent
/// bits.
class Crc32 {
 public:
  Crc32() = default;
  /// Continues from the value() of another checksum.
  explicit Crc32(uint32_t value) : value_(value) {}

  void Add(const void* data, size_t size);
  uint32_t value() const { return value_; }
  /// Eight lower-case hexadecimal digits.
  std::string Hex() const;

 private:
  uint32_t value_ = 0;
};

/// The checksum of `bytes` alone.
Crc32 Crc32Of(std::string_view bytes);

}  // namespace wavemt
