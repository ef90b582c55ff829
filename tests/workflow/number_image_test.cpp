#include "workflow/number_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "../support/decoded_png.h"

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

constexpr std::string_view kUriStart = "data:image/png;base64,";

NumberGrid Grid(int64_t rows, int64_t columns, std::vector<float> values) {
  return {.title = "",
          .row_label = "",
          .column_label = "",
          .rows = rows,
          .columns = columns,
          .values = std::move(values)};
}

std::string FromBase64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  EXPECT_EQ(text.size() % 4, 0U);
  std::string bytes;
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size() && text[i] != '='; ++i) {
    EXPECT_NE(kDigits.find(text[i]), std::string_view::npos);
    bits = bits << 6 | static_cast<uint32_t>(kDigits.find(text[i]));
    if (i % 4 != 0) bytes += static_cast<char>(bits >> (6 - i % 4 * 2));
  }
  return bytes;
}

// "rrggbb" for each pixel.
std::vector<std::string> ColorsOf(const NumberImage& image) {
  EXPECT_THAT(image.data_uri, StartsWith(kUriStart));
  EXPECT_EQ(FromBase64(image.data_uri.substr(kUriStart.size())), image.png);
  const DecodedPng png = DecodePng(image.png);
  std::vector<std::string> colors;
  for (size_t i = 0; i < png.rgb.size(); ++i) {
    if (i % 3 == 0) colors.emplace_back();
    for (const int shift : {4, 0}) {
      colors.back() += "0123456789abcdef"[static_cast<uint8_t>(png.rgb[i]) >> shift & 15];
    }
  }
  return colors;
}

TEST(NumberImageTest, ZeroIsWhiteAndTheLargestMagnitudeIsDark) {
  const NumberImage image = DrawNumbers(Grid(1, 4, {-4, 0, 2, 4}));
  EXPECT_THAT(ColorsOf(image), ElementsAre("053061", "f7f7f7", "e58368", "67001f"));
  EXPECT_EQ(image.range, 4);
  EXPECT_TRUE(image.all_finite);
  EXPECT_EQ(DrawNumbers(Grid(4, 1, {-2, 0, 1, 1})).range, 2);
}

TEST(NumberImageTest, WhatIsNotFiniteIsGreyAndHasNoMagnitude) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const NumberImage image = DrawNumbers(Grid(2, 2, {-kInfinity, 1, std::nanf(""), 0}));
  EXPECT_THAT(ColorsOf(image), ElementsAre("808080", "67001f", "808080", "f7f7f7"));
  EXPECT_EQ(image.range, 1);
  EXPECT_FALSE(image.all_finite);
}

TEST(NumberImageTest, OfNothingButZeros) {
  EXPECT_THAT(ColorsOf(DrawNumbers(Grid(1, 1, {0}))), ElementsAre("f7f7f7"));
}

TEST(NumberImageTest, OfFilesOfEverySizeModuloThree) {
  for (int columns = 1; columns < 12; ++columns) {
    std::vector<float> values;
    for (int i = 0; i < columns; ++i) values.push_back(static_cast<float>(i * i % 7));
    EXPECT_EQ(ColorsOf(DrawNumbers(Grid(1, columns, values))).size(), values.size());
  }
}

}  // namespace
}  // namespace wavemt
