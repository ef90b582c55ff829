#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wavemt {

/// CRC-32 (the one of zlib, gzip and PNG) of everything that was added. It finds every change of
/// up to 32 neighbouring bits.
class Crc32 {
 public:
  Crc32() = default;
  /// Goes on from the value() of another one.
  explicit Crc32(uint32_t value) : value_(value) {}

  void Add(const void* data, size_t size);
  uint32_t value() const { return value_; }
  /// Eight lower-case hexadecimal digits.
  std::string Hex() const;

 private:
  uint32_t value_ = 0;
};

/// Of one text.
Crc32 Crc32Of(std::string_view bytes);

}  // namespace wavemt
