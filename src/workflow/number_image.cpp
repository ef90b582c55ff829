#include "workflow/number_image.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "support/png.h"

namespace wavemt {
namespace {

using Rgb = std::array<double, 3>;

// ColorBrewer's RdBu with 11 classes, from blue to red (Harrower and Brewer 2003).
constexpr auto kBlueToRed = std::to_array<Rgb>({{5, 48, 97},
                                                {33, 102, 172},
                                                {67, 147, 195},
                                                {146, 197, 222},
                                                {209, 229, 240},
                                                {247, 247, 247},
                                                {253, 219, 199},
                                                {244, 165, 130},
                                                {214, 96, 77},
                                                {178, 24, 43},
                                                {103, 0, 31}});
constexpr Rgb kNotFiniteColor = {128, 128, 128};

// The colour of a number from -1 to 1.
Rgb BlueToRed(double number) {
  const double place = (number + 1) / 2 * (kBlueToRed.size() - 1);
  const size_t below = std::min(static_cast<size_t>(place), kBlueToRed.size() - 2);
  Rgb color{};
  for (size_t i = 0; i < color.size(); ++i) {
    color[i] = std::lerp(kBlueToRed[below][i], kBlueToRed[below + 1][i],
                         place - static_cast<double>(below));
  }
  return color;
}

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t j = i; j < i + 3; ++j) {
      three = three << 8 | (j < bytes.size() ? static_cast<uint8_t>(bytes[j]) : 0);
    }
    for (const int shift : {18, 12, 6, 0}) text += kDigits[three >> shift & 63];
  }
  const size_t padding = (3 - bytes.size() % 3) % 3;
  return text.replace(text.size() - padding, padding, padding, '=');
}

}  // namespace

NumberImage DrawNumbers(const NumberGrid& grid) {
  NumberImage image;
  for (const float value : grid.values) {
    if (!std::isfinite(value)) image.all_finite = false;
    if (std::isfinite(value)) image.range = std::max(image.range, std::abs(double{value}));
  }
  std::string rgb;
  rgb.reserve(3 * grid.values.size());
  for (const float value : grid.values) {
    // Where all numbers are 0, they are divided by 1.
    const double share = value / (image.range > 0 ? image.range : 1);
    const Rgb color = std::isfinite(value) ? BlueToRed(share) : kNotFiniteColor;
    for (const double channel : color) rgb += static_cast<char>(std::lround(channel));
  }
  image.png = EncodePng(grid.columns, grid.rows, rgb);
  image.data_uri = "data:image/png;base64," + Base64(image.png);
  return image;
}

}  // namespace wavemt
