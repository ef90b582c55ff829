#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wavemt {

/// The bytes of a PNG file: `rgb` holds three bytes a pixel, row by row from the top.
/// REQUIRES: 3 * width * height bytes, and at least one pixel.
std::string EncodePng(int64_t width, int64_t height, std::string_view rgb);

}  // namespace wavemt
