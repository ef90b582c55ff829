#include "data/cleaning/pair_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> NamesOfProblems(PairProblems problems) {
  std::vector<std::string> names;
  for (const PairProblem problem : kPairProblems) {
    if (problems.Has(problem)) names.emplace_back(NameOf(problem));
  }
  return names;
}

std::vector<std::string> Found(const PairFilter& limits, const std::string& source,
                               const std::string& target) {
  return NamesOfProblems(PairChecker(limits, "en", "de").Check({source, target}));
}

TEST(PairCheckerTest, FindsNothingInGoodPairs) {
  PairFilter strict = RecommendedFilter();
  strict.remove_different_numbers = true;
  EXPECT_THAT(Found(strict, "A cat has 25 mice.", "Eine Katze hat 25 Mäuse."), IsEmpty());
}

TEST(PairCheckerTest, ABlankPairHasNoOtherProblem) {
  const PairFilter strict = RecommendedFilter();
  for (const std::string nothing : {"", " \t", "\u00A0\u3000", "\u200B\uFEFF", "\u00AD"}) {
    EXPECT_THAT(Found(strict, nothing, "a \uFFFD b"), ElementsAre("blank"));
    EXPECT_THAT(Found(strict, "a", nothing), ElementsAre("blank"));
    EXPECT_THAT(Found({}, nothing, nothing), ElementsAre("blank"));
  }
  EXPECT_THAT(Found(strict, ".", "!"), IsEmpty());
}

TEST(PairCheckerTest, LimitsAreExact) {
  EXPECT_THAT(Found({.max_words = 2}, "a b", "c d"), IsEmpty());
  EXPECT_THAT(Found({.max_words = 2}, "a b c", "d"), ElementsAre("too_long"));
  EXPECT_THAT(Found({.max_words = 2}, "a", "d e f"), ElementsAre("too_long"));
  EXPECT_THAT(Found({.max_length_ratio = 1.5}, "a b c d e f", "g h"), IsEmpty());
  EXPECT_THAT(Found({.max_length_ratio = 1.49}, "a b c d e f", "g h"), ElementsAre("length_ratio"));
  EXPECT_THAT(Found({.max_length_ratio = 1.49}, "a b", "c d e f g h"), ElementsAre("length_ratio"));
  EXPECT_THAT(Found({.min_script_share = 0.5}, "ab кт", "x"), IsEmpty());
  EXPECT_THAT(Found({.min_script_share = 0.51}, "ab кт", "x"), ElementsAre("wrong_script"));
  EXPECT_THAT(Found({.min_script_share = 0.51}, "x", "ab кт"), ElementsAre("wrong_script"));
}

TEST(PairCheckerTest, ShortSentencesMayDifferInLength) {
  const PairChecker checker({.max_length_ratio = 4}, "en", "ja");
  EXPECT_TRUE(checker.Check({"Good morning.", "おはようございます。"}).empty());
  EXPECT_TRUE(checker.Check({"Hi!", "สวัสดีครับผม"}).empty());
  EXPECT_TRUE(checker.Check({"x", "a b c d e f g"}).empty());
  EXPECT_FALSE(checker.Check({"x", "a b c d e f g h"}).empty());
}

TEST(PairCheckerTest, AnUnknownLanguageHasNoWrongScript) {
  const PairChecker checker({.min_script_share = 1}, "", "tsv");
  EXPECT_TRUE(checker.Check({"кот", "猫"}).empty());
}

TEST(PairCheckerTest, CopiesMayDifferInCaseAndWhiteSpace) {
  const PairFilter copies = {.remove_copies = true};
  EXPECT_THAT(Found(copies, "A  CAT ", "\u00A0a cat"), ElementsAre("copy"));
  EXPECT_THAT(Found(copies, "ÄÖ", "äö"), ElementsAre("copy"));
  EXPECT_THAT(Found(copies, "a cat", "a cat."), IsEmpty());
  EXPECT_THAT(Found(copies, "a cat.", "a cat"), IsEmpty());
  EXPECT_THAT(Found(copies, "a", "b"), IsEmpty());
  const std::string with_nul("x\0y", 3);
  EXPECT_THAT(Found(copies, with_nul, "x"), IsEmpty());
  EXPECT_THAT(Found(copies, "x", with_nul), IsEmpty());
  EXPECT_THAT(Found(copies, with_nul, with_nul + " "), ElementsAre("copy"));
}

TEST(PairCheckerTest, NumbersMustBeOnBothSides) {
  const PairFilter numbers = {.remove_different_numbers = true};
  EXPECT_THAT(Found(numbers, "25 cats", "25 Katzen"), IsEmpty());
  EXPECT_THAT(Found(numbers, "5 cats", "fünf Katzen"), IsEmpty());
  EXPECT_THAT(Found(numbers, "25 cats", "26 Katzen"), ElementsAre("different_numbers"));
  EXPECT_THAT(Found(numbers, "cats", "26 Katzen"), ElementsAre("different_numbers"));
}

TEST(PairCheckerTest, RulesThatAreOffFindNothing) {
  EXPECT_THAT(Found({}, "a \uFFFD кот 25 a b c d e f g", "猫"), IsEmpty());
}

TEST(PairCheckerTest, ReturnsTheSizesToo) {
  PairChecker::Sizes sizes;
  PairChecker({}, "en", "de").Check({"a cat", ""}, &sizes);
  EXPECT_EQ(sizes.source.words, 2);
  EXPECT_EQ(sizes.source.characters, 5);
  EXPECT_EQ(sizes.target.words, 0);
}

TEST(PairCheckerTest, TheReasonIsTheFirstProblem) {
  const PairChecker checker(RecommendedFilter(), "en", "de");
  const SentencePair pair = {"кот \uFFFD кот кот кот кот кот кот", "кот"};
  EXPECT_THAT(NamesOfProblems(checker.Check(pair)),
              ElementsAre("bad_encoding", "length_ratio", "wrong_script"));
  EXPECT_EQ(checker.WhyLeftOut(pair), PairProblem::kBadEncoding);
  EXPECT_EQ(checker.WhyLeftOut({"", "a"}), PairProblem::kBlank);
  EXPECT_EQ(checker.WhyLeftOut({"a", "b"}), std::nullopt);
}

TEST(PairProblemsTest, AFilterSaysWhatItRemoves) {
  EXPECT_THAT(NamesOfProblems(RemovedBy({})), ElementsAre("blank"));
  EXPECT_THAT(NamesOfProblems(RemovedBy(RecommendedFilter())),
              ElementsAre("blank", "bad_encoding", "too_long", "length_ratio", "wrong_script",
                          "copy", "duplicate"));
  EXPECT_THAT(NamesOfProblems(RemovedBy({.remove_different_numbers = true})),
              ElementsAre("blank", "different_numbers"));
}

TEST(PairProblemsTest, IsASet) {
  PairProblems some;
  EXPECT_TRUE(some.empty());
  EXPECT_EQ(some.First(), std::nullopt);
  some.Add(PairProblem::kHeldOut);
  some.Add(PairProblem::kCopy);
  EXPECT_EQ(some.First(), PairProblem::kCopy);
  PairProblems other;
  other.Add(PairProblem::kHeldOut);
  EXPECT_EQ(some.In(other), other);
}

}  // namespace
}  // namespace wavemt
