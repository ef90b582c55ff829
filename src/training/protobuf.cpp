#include "training/protobuf.h"

#include <cstring>

namespace wavemt::protobuf {
namespace {

// How a field's value is written, in the lowest bits of its key.
enum class WireType : uint8_t { kVarint = 0, kEightBytes = 1, kCounted = 2, kFourBytes = 5 };

std::string VarintBytes(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string Key(int number, WireType type) {
  return VarintBytes((static_cast<uint64_t>(number) << 3) | static_cast<uint64_t>(type));
}

template <typename T>
std::string LittleEndian(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

}  // namespace

std::string Varint(int number, uint64_t value) {
  return Key(number, WireType::kVarint) + VarintBytes(value);
}

std::string Double(int number, double value) {
  return Key(number, WireType::kEightBytes) + LittleEndian(value);
}

std::string Float(int number, float value) {
  return Key(number, WireType::kFourBytes) + LittleEndian(value);
}

std::string Bytes(int number, std::string_view value) {
  return Key(number, WireType::kCounted) + VarintBytes(value.size()) + std::string(value);
}

}  // namespace wavemt::protobuf
