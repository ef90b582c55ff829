#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace wavemt {

struct DecodedPng {
  uint32_t width = 0;
  uint32_t height = 0;
  std::string rgb;
};

inline uint32_t BigEndianNumber(std::string_view bytes) {
  uint32_t number = 0;
  for (const char byte : bytes.substr(0, 4)) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

// Reads a PNG file of three chunks without filters, and checks everything in it.
inline DecodedPng DecodePng(std::string_view file) {
  DecodedPng png;
  EXPECT_EQ(file.substr(0, 8), "\x89PNG\r\n\x1a\n");
  file.remove_prefix(8);
  for (const std::string_view type : {"IHDR", "IDAT", "IEND"}) {
    const uint32_t size = BigEndianNumber(file);
    const std::string_view body = file.substr(4, size + 4);
    const std::string_view data = body.substr(4);
    EXPECT_EQ(body.substr(0, 4), type);
    EXPECT_EQ(BigEndianNumber(file.substr(8 + size)),
              crc32(0, reinterpret_cast<const Bytef*>(body.data()), size + 4));
    file.remove_prefix(12 + size);
    if (type == "IHDR") {
      png.width = BigEndianNumber(data);
      png.height = BigEndianNumber(data.substr(4));
      EXPECT_EQ(data.substr(8), std::string_view("\x08\x02\0\0\0", 5));
    } else if (type == "IDAT") {
      const size_t row_size = 1 + size_t{3} * png.width;
      std::string rows(row_size * png.height, '\0');
      uLongf unpacked = rows.size();
      EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(rows.data()), &unpacked,
                           reinterpret_cast<const Bytef*>(data.data()), size),
                Z_OK);
      EXPECT_EQ(unpacked, rows.size());
      for (size_t start = 0; start < rows.size(); start += row_size) {
        EXPECT_EQ(rows[start], '\0');
        png.rgb += rows.substr(start + 1, row_size - 1);
      }
    }
  }
  EXPECT_EQ(file, "");
  return png;
}

}  // namespace wavemt
