#include "data/cleaning/numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NumbersTest, FindsNumbersOfTwoDigitsOrMore) {
  EXPECT_THAT(NumbersOf("10 cats, 9 dogs, 10 more and B52."), ElementsAre("10", "52"));
  EXPECT_THAT(NumbersOf("no, 1 or 2nd, 007, 0, 00"), IsEmpty());
  EXPECT_THAT(NumbersOf("012"), ElementsAre("12"));
  EXPECT_THAT(NumbersOf("2017年10月"), ElementsAre("10", "2017"));
}

TEST(NumbersTest, ReadsDigitsOfAnyScript) {
  EXPECT_THAT(NumbersOf("٢٥ २५ ２５"), ElementsAre("25"));
  EXPECT_THAT(NumbersOf("二十五 XXV ½"), IsEmpty());
}

TEST(NumbersTest, LeavesSeparatorsOfThousandsOut) {
  for (const char* text : {"1,234,567", "1.234.567", "1'234'567", "1 234 567",
                           "1\u00A0234\u00A0567", "1\u202F234\u202F567", "1234567", "1’234’567"}) {
    EXPECT_THAT(NumbersOf(text), ElementsAre("1234567")) << text;
  }
  EXPECT_THAT(NumbersOf("1.234.567,89"), ElementsAre("1234567", "89"));
  EXPECT_THAT(NumbersOf("1,234.567"), ElementsAre("1234", "567"));  // Two kinds.
  EXPECT_THAT(NumbersOf("2010 500"), ElementsAre("2010", "500"));
  EXPECT_THAT(NumbersOf("12,3456"), ElementsAre("12", "3456"));
  EXPECT_THAT(NumbersOf("0.125"), ElementsAre("125"));
}

TEST(NumbersTest, OtherSeparatorsMakeNoDifference) {
  EXPECT_EQ(NumbersOf("3:30"), NumbersOf("3.30"));
  EXPECT_EQ(NumbersOf("1,5"), NumbersOf("1.5"));
  EXPECT_EQ(NumbersOf("12.75"), NumbersOf("12,75"));
}

}  // namespace
}  // namespace wavemt
