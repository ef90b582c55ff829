#include "data/corpus_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "../support/thrown_error.h"

namespace wavemt {
namespace {

TEST(CorpusProfileTest, DescribesTheCorpus) {
  MemoryCorpus corpus;
  corpus.Add(std::vector{1, 2, 3}, std::vector{4});
  corpus.Add(std::vector{1}, std::vector{4, 5, 6, 7});
  const CorpusProfile profile = ProfileOf(corpus, {.read = 3, .empty = 1, .several_sentences = 1});
  EXPECT_EQ(profile.pairs, 2);
  EXPECT_EQ(profile.several_sentences, 1);
  EXPECT_EQ(profile.longest_source, 3);
  EXPECT_EQ(profile.longest_target, 4);
  EXPECT_EQ(profile.checksum, corpus.checksum());
}

TEST(CorpusProfileTest, OneLineInTwentyIsEnoughToLearnSeveralSentences) {
  EXPECT_FALSE((CorpusProfile{.pairs = 1000, .several_sentences = 0}).HadSeveralSentences());
  EXPECT_FALSE((CorpusProfile{.pairs = 1000, .several_sentences = 49}).HadSeveralSentences());
  EXPECT_TRUE((CorpusProfile{.pairs = 1000, .several_sentences = 50}).HadSeveralSentences());
}

TEST(CorpusProfileTest, IsRestoredFromItsText) {
  const CorpusProfile profile = {.pairs = 5'000'000'000,
                                 .several_sentences = 4,
                                 .longest_source = 60,
                                 .longest_target = 59,
                                 .checksum = 4'000'000'000};
  const CorpusProfile read = ParseCorpusProfile(CorpusProfileText(profile), "corpus.json");
  EXPECT_EQ(read.pairs, profile.pairs);
  EXPECT_EQ(read.several_sentences, profile.several_sentences);
  EXPECT_EQ(read.longest_source, profile.longest_source);
  EXPECT_EQ(read.longest_target, profile.longest_target);
  EXPECT_EQ(read.checksum, profile.checksum);
}

TEST(CorpusProfileTest, RefusesInvalidText) {
  for (
      const std::string text :
      {"[]", "{}", "{\"pairs\": -1}",
       R"({"pairs": 1, "several_sentences": 2, "longest_source": 1, "longest_target": 1, "checksum": 1})",
       R"({"pairs": 1, "several_sentences": 1, "longest_source": 1, "longest_target": 1, "checksum": 4294967296})"}) {
    EXPECT_THAT(UsageErrorOf([&] { ParseCorpusProfile(text, "corpus.json"); }),
                testing::StartsWith("corpus.json: \""))
        << text;
  }
}

}  // namespace
}  // namespace wavemt
