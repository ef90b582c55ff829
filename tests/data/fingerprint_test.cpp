#include "data/cleaning/fingerprint.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <unordered_set>

#include "data/cleaning/fingerprint_set.h"

namespace wavemt {
namespace {

TEST(FingerprintTest, IsSipHashOfThePaper) {
  std::string message;
  EXPECT_EQ(Fingerprint(message), 0x726FDB47DD0E0E31U);
  for (char byte = 0; byte < 15; ++byte) message += byte;
  EXPECT_EQ(Fingerprint(message), 0xA129CA6149BE45E5U);
}

TEST(FingerprintTest, SpacesMakeNoOtherPair) {
  const PairFingerprints pair = FingerprintsOf({"A cat.", "Eine Katze."});
  const PairFingerprints spaced = FingerprintsOf({" A\u00A0 cat.", "Eine\u200B Katze. "});
  EXPECT_EQ(pair.pair, spaced.pair);
  EXPECT_EQ(pair.source, spaced.source);
  EXPECT_EQ(pair.target, spaced.target);
  EXPECT_NE(pair.pair, FingerprintsOf({"a cat.", "Eine Katze."}).pair);
  EXPECT_NE(pair.pair, FingerprintsOf({"Eine Katze.", "A cat."}).pair);
  EXPECT_EQ(FingerprintsOf({"a", "a"}).source, FingerprintsOf({"a", "a"}).target);
}

TEST(FingerprintSetTest, IsASet) {
  std::mt19937_64 random(1);
  FingerprintSet set;
  std::unordered_set<uint64_t> plain;
  EXPECT_FALSE(set.Contains(5));
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t fingerprint = random() % 10'000 * 0x9E3779B97F4A7C15;
    EXPECT_EQ(set.Contains(fingerprint), plain.contains(fingerprint));
    EXPECT_EQ(set.Insert(fingerprint), plain.insert(fingerprint).second);
    EXPECT_TRUE(set.Contains(fingerprint));
  }
  EXPECT_EQ(set.size(), plain.size());
}

TEST(FingerprintSetTest, FingerprintsMayAgreeInTheirLowBits) {
  FingerprintSet set;
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_TRUE(set.Insert(i << 40));
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_FALSE(set.Insert(i << 40));
  EXPECT_FALSE(set.Contains(uint64_t{1000} << 40));
}

}  // namespace
}  // namespace wavemt
