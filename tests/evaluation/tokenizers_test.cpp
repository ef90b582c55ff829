#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/thrown_error.h"
#include "evaluation/bleu_tokenizer.h"
#include "evaluation/tercom_tokenizer.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

using testing::HasSubstr;

std::string JoinWords(std::string_view text) {
  std::vector<std::string_view> words;
  SplitOnSpace(text, &words);
  return fmt::format("{}", fmt::join(words, " "));
}

std::string BleuWords(std::string_view line, EvaluationTokenizer tokenizer) {
  return JoinWords(TokenizeForBleu(line, tokenizer));
}

std::string Hypothesis(std::string_view line, const TercomOptions& options) {
  return JoinWords(TokenizeForTer(line, TerSide::kHypothesis, options));
}

std::string Reference(std::string_view line, const TercomOptions& options) {
  return JoinWords(TokenizeForTer(line, TerSide::kReference, options));
}

TEST(BleuTokenizerTest, Mteval13a) {
  const auto tokenize = [](auto line) { return BleuWords(line, EvaluationTokenizer::k13a); };
  EXPECT_EQ(tokenize("Hello, world!"), "Hello , world !");
  EXPECT_EQ(tokenize("It's 1,234.5 - or 10-12."), "It's 1,234.5 - or 10 - 12 .");
  EXPECT_EQ(tokenize("a-b &quot;x&quot; &amp;lt;<skipped>"), "a-b \" x \" <");
  EXPECT_EQ(tokenize("(.5)"), "( . 5 )");
  EXPECT_EQ(tokenize(""), "");
  EXPECT_EQ(tokenize("你好。"), "你好。");
}

TEST(BleuTokenizerTest, InternationalGoesByGeneralCategory) {
  const auto tokenize = [](auto line) { return BleuWords(line, EvaluationTokenizer::kIntl); };
  EXPECT_EQ(tokenize("«Ça», 1,5€ – don't"), "« Ça » , 1,5 € – don ' t");
  EXPECT_EQ(tokenize("你好。"), "你好 。");
  EXPECT_EQ(tokenize("in 1999."), "in 1999.");  // No non-number follows.
  EXPECT_EQ(tokenize("٣٫١٤"), "٣٫١٤");
}

TEST(BleuTokenizerTest, ChineseCharactersStandAlone) {
  EXPECT_EQ(BleuWords("我有2.5个iPhone，好。", EvaluationTokenizer::kZh),
            "我 有 2.5 个 iPhone ， 好 。");
}

TEST(BleuTokenizerTest, CharactersAndNothing) {
  EXPECT_EQ(BleuWords("ab 好 e\u0301", EvaluationTokenizer::kChar), "a b 好 e \u0301");
  EXPECT_EQ(BleuWords(" a,b  c ", EvaluationTokenizer::kNone), "a,b c");
}

TEST(BleuTokenizerTest, NamesTheOnesThatAreMissingAndWhy) {
  EXPECT_EQ(ParseBleuTokenizer("intl", "--tokenize"), EvaluationTokenizer::kIntl);
  const auto refusal = [](const char* name) {
    return UsageErrorOf([=] { ParseBleuTokenizer(name, "--tokenize"); });
  };
  EXPECT_THAT(refusal("ja-mecab"), HasSubstr("--tokenize ja-mecab: needs MeCab"));
  EXPECT_THAT(refusal("flores200"), HasSubstr("SentencePiece model"));
  EXPECT_THAT(refusal("auto"), HasSubstr("use 13a, intl, zh, char or none"));
}

TEST(BleuTokenizerTest, DefaultsByLanguage) {
  for (const char* chinese : {"zh", "zh-Hans", "zh_TW"}) {
    EXPECT_EQ(TokenizerForLanguage(chinese), EvaluationTokenizer::kZh) << chinese;
  }
  for (const char* other : {"en", "", "zha"}) {
    EXPECT_EQ(TokenizerForLanguage(other), EvaluationTokenizer::k13a) << other;
  }
}

TEST(TercomTokenizerTest, LowersCaseUnlessToldOtherwise) {
  EXPECT_EQ(Hypothesis("The  End.", {}), "the end.");
  EXPECT_EQ(Hypothesis("The  End.", {.case_sensitive = true}), "The End.");
}

TEST(TercomTokenizerTest, Normalizes) {
  EXPECT_EQ(Hypothesis("Tom's &amp; 3.5, 「你好」。", {.normalized = true}),
            "tom 's & 3.5 , 「你好」。");
  EXPECT_EQ(Hypothesis("x「你好」かな", {.normalized = true, .asian_support = true}),
            "x 「 你 好 」 かな");
}

TEST(TercomTokenizerTest, RemovesPunctuation) {
  EXPECT_EQ(Hypothesis("(a), b! - 「好」。", {.no_punct = true}), "a b - 「好」。");
  EXPECT_EQ(Hypothesis("(a), b! - 「好」。", {.no_punct = true, .asian_support = true}),
            "a b - 好");
}

TEST(TercomTokenizerTest, NormalizesReferencesTwice) {
  EXPECT_EQ(Hypothesis("it's. &amp;quot;", {.normalized = true}), "it's . & quot ;");
  EXPECT_EQ(Reference("it's. x", {.normalized = true}), "it 's . x");
  EXPECT_EQ(Reference("it's. x", {}), "it's. x");
}

}  // namespace
}  // namespace wavemt
