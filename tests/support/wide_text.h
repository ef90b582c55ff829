#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wavemt {

// `text` in UTF-16 (`width` 2) or UTF-32 (4).
inline std::string WideText(std::u32string_view text, int width, bool big_endian) {
  std::string bytes;
  const auto add = [&](uint32_t unit) {
    for (int i = 0; i < width; ++i) {
      bytes += static_cast<char>(unit >> (8 * (big_endian ? width - 1 - i : i)));
    }
  };
  for (const char32_t character : text) {
    if (width == 4 || character < 0x10000) {
      add(character);
    } else {
      add(0xD800 + ((character - 0x10000) >> 10));
      add(0xDC00 + ((character - 0x10000) & 0x3FF));
    }
  }
  return bytes;
}

}  // namespace wavemt
