#include "data/tags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TagsTest, AreSeparatedBySpaces) {
  EXPECT_THAT(TagsOf("<2de>"), ElementsAre("<2de>"));
  EXPECT_THAT(TagsOf("  <2de>  <web> "), ElementsAre("<2de>", "<web>"));
  EXPECT_THAT(TagsOf(""), IsEmpty());
  EXPECT_THAT(TagsOf("  "), IsEmpty());
}

TEST(TagsTest, OfAConfigAreThoseOfAllItsPrefixes) {
  Config config;
  config.data.train.named = {
      {.name = "a", .corpus = {.files = {.source = {"a"}, .target = {"b"}, .tsv = {}}}},
      {.name = "b", .corpus = {.source_prefix = "<2de> <web>"}}};
  config.data.valid.unnamed = {.files = {.source = {"a"}, .target = {"b"}, .tsv = {}},
                               .source_prefix = "<2fr>"};
  config.decoding.source_prefix = "<web> <new>";
  EXPECT_THAT(TagsOf(config), ElementsAre("<2de>", "<web>", "<2fr>", "<new>"));
  EXPECT_THAT(TagsOf(Config()), IsEmpty());
}

TEST(TagsTest, LeadingOnesEndAtASpaceOrAnotherTag) {
  const std::vector<std::string> tags = {"<2de>", "<2den>", "news:"};
  const auto leading = [&](const std::string& text) {
    return std::string(LeadingTags(text, tags));
  };
  EXPECT_EQ(leading("<2de> Hello"), "<2de>");
  EXPECT_EQ(leading("<2de> <2den>news: Hello <2de>"), "<2de> <2den>news:");
  EXPECT_EQ(leading("  <2de> Hello"), "  <2de>");
  EXPECT_EQ(leading("<2de>"), "<2de>");
  // Part of a word.
  EXPECT_EQ(leading("<2de>Hello"), "");
  EXPECT_EQ(leading("<2de> news:paper"), "<2de>");
  EXPECT_EQ(leading("Hello <2de>"), "");
  EXPECT_EQ(leading("<2fr> Hello"), "");
  EXPECT_EQ(leading(""), "");
  EXPECT_EQ(LeadingTags("<2de> Hello", {}), "");
}

}  // namespace
}  // namespace wavemt
