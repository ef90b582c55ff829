#include "support/png.h"

#include <gtest/gtest.h>

#include "decoded_png.h"

namespace wavemt {
namespace {

TEST(PngTest, PixelsSurvive) {
  std::string rgb;
  for (int i = 0; i < 3 * 300 * 7; ++i) rgb += static_cast<char>(i * i);
  const DecodedPng png = DecodePng(EncodePng(300, 7, rgb));
  EXPECT_EQ(png.width, 300U);
  EXPECT_EQ(png.height, 7U);
  EXPECT_EQ(png.rgb, rgb);
}

TEST(PngTest, OfOnePixel) { EXPECT_EQ(DecodePng(EncodePng(1, 1, "rgb")).rgb, "rgb"); }

}  // namespace
}  // namespace wavemt
