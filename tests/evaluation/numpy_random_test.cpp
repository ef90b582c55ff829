#include "evaluation/numpy_random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wavemt {
namespace {

using testing::ElementsAre;

std::vector<uint32_t> Draw(NumpyRandom* random, uint32_t bound, int count) {
  std::vector<uint32_t> drawn(static_cast<size_t>(count));
  for (uint32_t& number : drawn) number = random->Below(bound);
  return drawn;
}

std::string DrawBits(NumpyRandom* random, int count) {
  NumpyRandomBits bits(random);
  std::string drawn;
  for (int i = 0; i < count; ++i) drawn += bits.Next() ? '1' : '0';
  return drawn;
}

// The numbers are those of NumPy 2.4's default_rng(seed): integers(2, size=37, dtype=bool), then
// choice(1000, 5), then choice(3000000000, 5).
TEST(NumpyRandomTest, DrawsWhatNumpyDraws) {
  NumpyRandom random(12345);
  EXPECT_EQ(DrawBits(&random, 37), "1011100110000011111111110100110110110");
  EXPECT_THAT(Draw(&random, 1000, 5), ElementsAre(788, 316, 204, 797, 642));
  EXPECT_THAT(Draw(&random, 3000000000, 5),
              ElementsAre(2028764011, 2518275128, 1794926260, 639429039, 560202556));
}

TEST(NumpyRandomTest, SeedsMayHave64Bits) {
  NumpyRandom random(98765432109876);
  EXPECT_EQ(DrawBits(&random, 37), "0111111111001110001010100011001010001");
  EXPECT_THAT(Draw(&random, 1000, 5), ElementsAre(163, 838, 893, 611, 850));
}

TEST(NumpyRandomTest, ChoosingFromOneDrawsNothing) {
  NumpyRandom random(1);
  NumpyRandom untouched(1);
  EXPECT_EQ(random.Below(1), 0);
  EXPECT_EQ(random.Next64(), untouched.Next64());
}

}  // namespace
}  // namespace wavemt
