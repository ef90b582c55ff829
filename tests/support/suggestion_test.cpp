#include "support/suggestion.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace wavemt {
namespace {

const std::vector<std::string> kWords = {"d_model", "num_heads", "ffn_dim", "dropout"};

TEST(NearestWordTest, ForgivesEachKindOfSlip) {
  EXPECT_EQ(NearestWord("num_head", kWords), "num_heads");
  EXPECT_EQ(NearestWord("num_headss", kWords), "num_heads");
  EXPECT_EQ(NearestWord("num-heads", kWords), "num_heads");
  EXPECT_EQ(NearestWord("num_haeds", kWords), "num_heads");
  EXPECT_EQ(NearestWord("D_MODEL", kWords), "");
}

TEST(NearestWordTest, SwappedNeighboursCountOnce) {
  // Two replacements would be too many for a word of three letters.
  EXPECT_EQ(NearestWord("bup", std::vector<std::string>{"bpu"}), "bpu");
}

TEST(NearestWordTest, TakesTheNearestAndOfEqualsTheFirst) {
  EXPECT_EQ(NearestWord("heads", std::vector<std::string>{"leaders", "heals", "head"}), "heals");
}

TEST(NearestWordTest, SuggestsNothingThatIsFar) {
  EXPECT_EQ(NearestWord("learning_rate", kWords), "");
  EXPECT_EQ(NearestWord("", kWords), "");
  EXPECT_EQ(NearestWord("d_model", {}), "");
  EXPECT_EQ(NearestWord(std::string(100'000, 'd'), kWords), "");
}

TEST(NearestWordTest, FindsAWordAfterAnyOneSlip) {
  std::mt19937_64 generator(1);
  for (int trial = 0; trial < 1000; ++trial) {
    const std::string& word = kWords[generator() % kWords.size()];
    std::string typed = word;
    const size_t offset = generator() % (typed.size() - 1);
    const char letter = static_cast<char>('a' + generator() % 26);
    switch (generator() % 4) {
      case 0:
        typed.insert(offset, 1, letter);
        break;
      case 1:
        typed.erase(offset, 1);
        break;
      case 2:
        typed[offset] = letter;
        break;
      default:
        std::swap(typed[offset], typed[offset + 1]);
    }
    ASSERT_EQ(NearestWord(typed, kWords), word) << typed;
  }
}

TEST(DidYouMeanTest, IsAHalfSentenceOrNothing) {
  EXPECT_EQ(DidYouMean("dropuot", kWords), " (did you mean \"dropout\"?)");
  EXPECT_EQ(DidYouMean("something", kWords), "");
}

}  // namespace
}  // namespace wavemt
