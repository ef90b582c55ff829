#include "support/checksum.h"

#include <fmt/format.h>
#include <zlib.h>

namespace wavemt {

void Crc32::Add(const void* data, size_t size) {
  if (size == 0) return;  // For a null pointer, zlib would reset the checksum.
  value_ = static_cast<uint32_t>(crc32_z(value_, static_cast<const Bytef*>(data), size));
}

std::string Crc32::Hex() const { return fmt::format("{:08x}", value_); }

Crc32 Crc32Of(std::string_view bytes) {
  Crc32 checksum;
  checksum.Add(bytes.data(), bytes.size());
  return checksum;
}

}  // namespace wavemt
