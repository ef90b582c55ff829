#include "data/sentence_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/whitespace.h"

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Split(const std::string& text, const std::string& language = "en") {
  SentenceSplitter splitter(language);
  const auto sentences = splitter.Split(text);
  return {sentences.begin(), sentences.end()};
}

TEST(SentenceSplitterTest, FindsTheEndsOfSentences) {
  EXPECT_THAT(Split("We are teachers. He is a doctor!  Is she here?"),
              ElementsAre("We are teachers.", "He is a doctor!", "Is she here?"));
  EXPECT_THAT(Split("我爱你。你呢？好！"), ElementsAre("我爱你。", "你呢？", "好！"));
  EXPECT_THAT(Split("Привет. Как дела?", "ru"), ElementsAre("Привет.", "Как дела?"));
  EXPECT_THAT(Split("मैं ठीक हूँ। आप?", "hi"), ElementsAre("मैं ठीक हूँ।", "आप?"));
  EXPECT_THAT(Split("no end"), ElementsAre("no end"));
  EXPECT_THAT(Split(""), IsEmpty());
  EXPECT_THAT(Split(" \t "), IsEmpty());
}

TEST(SentenceSplitterTest, AFullStopNeedNotBeAnEnd) {
  for (const std::string text : {
           "It costs 3.14 dollars in all.",
           "He lives near a U.S. Army base.",
           "At 5 p.m. Tom came home.",
           "J. F. Kennedy met Mr. Smith.",
           "Mrs. Li and Dr. Wang are here.",
           "See www.example.com for more.",
           "He waited ... and waited.",
           "General Smith and Gen. Lee and Prof. Ma are here.",
           "\"Is it you?\" she asked.",
       }) {
    EXPECT_THAT(Split(text), ElementsAre(text));
  }
  EXPECT_THAT(Split("Das ist z. B. Herr Dr. Müller. Er kommt.", "de"),
              ElementsAre("Das ist z. B. Herr Dr. Müller.", "Er kommt."));
}

TEST(SentenceSplitterTest, ASingleLetterNeedNotBeAnInitial) {
  EXPECT_THAT(Split("Это я. Он ушёл.", "ru"), ElementsAre("Это я.", "Он ушёл."));
  EXPECT_THAT(Split("She is older than I. He is not."),
              ElementsAre("She is older than I.", "He is not."));
  EXPECT_THAT(Split("А. С. Пушкин умер. Да.", "ru"), ElementsAre("А. С. Пушкин умер.", "Да."));
  EXPECT_THAT(Split("他说是.我说不.你呢", "zh"), ElementsAre("他说是.", "我说不.", "你呢"));
}

// The time is linear, because each full stop is examined once.
TEST(SentenceSplitterTest, SplitsMegabytesQuickly) {
  for (const std::string unit : {"あ.", "A.", "a. ", "Mr. ", "\"a.\" b ", "。", "("}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    SentenceSplitter splitter("en");
    EXPECT_THAT(splitter.Split(text), testing::Not(IsEmpty())) << unit;
  }
}

TEST(SentenceSplitterTest, AWordThatOnlyEndsLikeATitleIsNotATitle) {
  EXPECT_THAT(Split("Herr Müller. Er kommt.", "de"), ElementsAre("Herr Müller.", "Er kommt."));
  EXPECT_THAT(Split("This is the best. He is first."),
              ElementsAre("This is the best.", "He is first."));
  EXPECT_THAT(Split("They say OK. We go."), ElementsAre("They say OK.", "We go."));
  EXPECT_THAT(Split("éhr. Er"), ElementsAre("éhr.", "Er"));
}

// In a text without capitals, full stops are ambiguous but question marks are not.
TEST(SentenceSplitterTest, SmallLettersMayBeginASentenceAfterAQuestionMark) {
  EXPECT_THAT(Split("why? my house was big!"), ElementsAre("why?", "my house was big!"));
}

TEST(SentenceSplitterTest, QuotesAndBracketsStayWithTheirSentence) {
  EXPECT_THAT(Split("\"I go.\" She left."), ElementsAre("\"I go.\"", "She left."));
  EXPECT_THAT(Split("“I go.” “We stay.”"), ElementsAre("“I go.”", "“We stay.”"));
  EXPECT_THAT(Split("好！「是的。」他说。"), ElementsAre("好！", "「是的。」", "他说。"));
  EXPECT_THAT(Split("(He came.) (She left.)"), ElementsAre("(He came.)", "(She left.)"));
  EXPECT_THAT(Split("Really?! ..."), ElementsAre("Really?! ..."));
}

TEST(SentenceSplitterTest, AcceptsAnyFormOfLanguageCode) {
  // Only in Greek, a semicolon is a question mark.
  for (const std::string language : {"el", "el-GR", "el_GR.UTF-8"}) {
    EXPECT_THAT(Split("Τι κάνεις; Είμαι καλά.", language),
                ElementsAre("Τι κάνεις;", "Είμαι καλά."));
  }
  for (const std::string language : {"en", "EN", "en-GB", "", "xx", "no language", "../../x"}) {
    EXPECT_THAT(Split("one; two", language), ElementsAre("one; two"));
    EXPECT_THAT(Split("Dr. Wang is here. He sings.", language),
                ElementsAre("Dr. Wang is here.", "He sings."))
        << language;
  }
}

// The sentences are the whole text except for white space between them.
TEST(SentenceSplitterTest, LosesNothing) {
  const std::vector<std::string> bits = {"a",  ". ", ".", "?! ", "。", "「", "」", " ",  "U.S.",
                                         "\"", "(",  ")", "3",   "…",  "\n", "é",  "好", "B"};
  SentenceSplitter splitter("en");
  uint64_t random = 1;
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text;
    for (int i = 0; i < 12; ++i) {
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      text += bits[(random >> 33) % bits.size()];
    }
    const auto sentences = splitter.Split(text);
    const char* end = text.data();
    for (const std::string_view sentence : sentences) {
      ASSERT_GE(sentence.data(), end);
      EXPECT_TRUE(IsBlank({end, static_cast<size_t>(sentence.data() - end)})) << text;
      EXPECT_EQ(Strip(sentence), sentence);
      EXPECT_FALSE(sentence.empty());
      end = sentence.data() + sentence.size();
    }
    EXPECT_TRUE(IsBlank({end, static_cast<size_t>(text.data() + text.size() - end)})) << text;
  }
}

TEST(SentenceSplitterTest, AcceptsAnyBytes) {
  EXPECT_THAT(Split("\xFF. \xE4\xBD Go."), testing::Not(IsEmpty()));
  EXPECT_THAT(Split(std::string(100'000, '.')), testing::SizeIs(1));
}

}  // namespace
}  // namespace wavemt
