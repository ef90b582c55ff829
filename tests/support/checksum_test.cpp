#include "support/checksum.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

namespace wavemt {
namespace {

std::string HexOf(std::string_view bytes) {
  Crc32 checksum;
  checksum.Add(bytes.data(), bytes.size());
  return checksum.Hex();
}

// CRC-32 by its definition: polynomial 0x04C11DB7, bits reflected (ISO 3309).
uint32_t ReferenceCrc(std::string_view bytes) {
  uint32_t remainder = 0xFFFFFFFF;
  for (const char byte : bytes) {
    remainder ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0xEDB88320 : 0);
    }
  }
  return ~remainder;
}

std::string RandomBytes(size_t size, std::mt19937_64* generator) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>((*generator)());
  return bytes;
}

TEST(Crc32Test, GivesPublishedValues) {
  EXPECT_EQ(HexOf(""), "00000000");
  EXPECT_EQ(HexOf("123456789"), "cbf43926");
  EXPECT_EQ(HexOf("The quick brown fox jumps over the lazy dog"), "414fa339");
}

TEST(Crc32Test, EqualsTheDefinition) {
  std::mt19937_64 generator(1);
  for (size_t size = 0; size < 300; ++size) {
    const std::string bytes = RandomBytes(size, &generator);
    Crc32 checksum;
    checksum.Add(bytes.data(), bytes.size());
    ASSERT_EQ(checksum.value(), ReferenceCrc(bytes)) << size << " bytes";
  }
}

TEST(Crc32Test, PiecesGiveTheSameAsTheWhole) {
  std::mt19937_64 generator(2);
  const std::string bytes = RandomBytes(200, &generator);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    Crc32 checksum;
    checksum.Add(bytes.data(), cut);
    checksum.Add(bytes.data() + cut, bytes.size() - cut);
    ASSERT_EQ(checksum.Hex(), HexOf(bytes)) << "cut at " << cut;
  }
}

TEST(Crc32Test, NothingChangesNothing) {
  Crc32 checksum = Crc32Of("text");
  checksum.Add(nullptr, 0);
  EXPECT_EQ(checksum.value(), Crc32Of("text").value());
}

TEST(Crc32Test, FindsEveryChangedBit) {
  std::mt19937_64 generator(3);
  const std::string bytes = RandomBytes(100, &generator);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_NE(HexOf(changed), HexOf(bytes)) << "bit " << bit;
  }
}

}  // namespace
}  // namespace wavemt
