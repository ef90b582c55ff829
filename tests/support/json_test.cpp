#include "support/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "../support/compressed.h"
#include "../support/thrown_error.h"
#include "../support/wide_text.h"

namespace wavemt {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Refusal(const std::string& text) {
  return UsageErrorOf([&] { ParseJson(text, "x.json"); });
}

std::string Nested(int levels, const std::string& open, const std::string& close) {
  std::string text;
  for (int i = 0; i < levels; ++i) text += open;
  text += "1";
  for (int i = 0; i < levels; ++i) text += close;
  return text;
}

TEST(ParseJsonTest, KeepsTheOrderOfKeys) {
  EXPECT_EQ(ParseJson(R"({"z": 1, "a": [true, null], "m": {"y": 1.5, "b": "ü"}})", "").dump(),
            R"({"z":1,"a":[true,null],"m":{"y":1.5,"b":"ü"}})");
}

TEST(ParseJsonTest, NamesLineAndColumnOfAMistake) {
  EXPECT_THAT(Refusal("{\n  \"a\": 1,\n  \"b\": }\n"),
              StartsWith("x.json: line 3, column 8: not valid JSON: syntax error"));
  EXPECT_THAT(Refusal("[1 2]"), StartsWith("x.json: line 1, column 4: not valid JSON: "));
  EXPECT_THAT(Refusal("{\"a\": 1}\n}"), StartsWith("x.json: line 2, column 1: not valid JSON: "));
}

TEST(ParseJsonTest, NamesTheEndWhereSomethingIsMissing) {
  EXPECT_THAT(Refusal(""), StartsWith("x.json: line 1, column 1: not valid JSON: "));
  EXPECT_THAT(Refusal("{\"a\": 1,\n"), StartsWith("x.json: line 2, column 1: not valid JSON: "));
  EXPECT_THAT(Refusal("[1"), StartsWith("x.json: line 1, column 3: not valid JSON: "));
}

TEST(ParseJsonTest, RefusesWhatIsNoJson) {
  for (const char* text :
       {"{a: 1}", "{'a': 1}", "[1,]", "// no\n1", "NaN", "01", "\"\xFF\"", "nul"}) {
    EXPECT_THAT(Refusal(text), HasSubstr("not valid JSON: ")) << text;
  }
}

// Syntax of other languages, and characters that word processors insert.
TEST(ParseJsonTest, NamesTheMistakesThatPeopleMake) {
  const auto says = [](const std::string& location, const std::string& mistake) {
    return "x.json: line " + location + ": not valid JSON: " + mistake;
  };
  const auto comment = [&](const std::string& location, const std::string& begin) {
    return says(location, "a comment (" + begin + "), which JSON does not have; remove it");
  };
  EXPECT_EQ(Refusal("{\n  \"a\": 1,\n    // b\n}"), comment("3, column 5", "//"));
  EXPECT_EQ(Refusal("// no\n1"), comment("1, column 1", "//"));
  EXPECT_EQ(Refusal("{\"a\" /* b */: 1}"), comment("1, column 6", "/*"));
  EXPECT_EQ(Refusal("{\"a\": 1} // b"), comment("1, column 10", "//"));
  EXPECT_EQ(Refusal("{\"a\": 1 # b\n}"), comment("1, column 9", "#"));
  EXPECT_EQ(Refusal("\uFEFF{\"a\": 1 # b\n}"), comment("1, column 9", "#"));

  const auto comma = [&](const std::string& location, const std::string& bracket) {
    return says(location,
                "a comma with nothing between it and this " + bracket + "; remove the comma");
  };
  EXPECT_EQ(Refusal("{\n  \"a\": 1,\n}"), comma("3, column 1", "}"));
  EXPECT_EQ(Refusal("[1, 2,]"), comma("1, column 7", "]"));

  const auto quote = [&](const std::string& location, const std::string& mark) {
    return says(location, "the quote " + mark +
                              ", which JSON does not have; text goes in double quotes (\")");
  };
  EXPECT_EQ(Refusal("{'a': 1}"), quote("1, column 2", "'"));
  EXPECT_EQ(Refusal("{\"a\": \u201Cb\u201D}"), quote("1, column 7", "\u201C"));

  const auto word = [&](const std::string& location, const std::string& text) {
    return says(location,
                "the word " + text +
                    ", which JSON does not have: it has true, false and null, and all other "
                    "text goes in double quotes (\")");
  };
  EXPECT_EQ(Refusal("{a_b: 1}"), word("1, column 2", "a_b"));
  EXPECT_EQ(Refusal("[True]"), word("1, column 2", "True"));
  EXPECT_EQ(Refusal("[NaN]"), word("1, column 2", "NaN"));
  EXPECT_EQ(Refusal("[nul]"), word("1, column 5", "nul"));
}

TEST(ParseJsonTest, TakesNothingInAStringForAMistake) {
  const std::string text = R"(["a // b", "/* c */ # d", "'e'", ",]", "\u201C", "True"])";
  EXPECT_EQ(Refusal(text), "no error");
  for (const std::string inside : {"//", "/*", "#", "'", ",]", "True"}) {
    EXPECT_THAT(Refusal("[\"" + inside + "\n\"]"), HasSubstr("invalid string")) << inside;
    EXPECT_THAT(Refusal("[\"" + inside), HasSubstr("invalid string")) << inside;
  }
  EXPECT_THAT(Refusal("[\"a,\" ]]"), HasSubstr("not valid JSON: syntax error"));
  EXPECT_THAT(Refusal("[\"True\" 1]"), HasSubstr("not valid JSON: syntax error"));
  EXPECT_THAT(Refusal("[1/2]"), HasSubstr("not valid JSON: syntax error"));
}

TEST(ParseJsonTest, TakesOneByteOrderMark) {
  EXPECT_EQ(ParseJson("\uFEFF{\"a\": 1}", "").dump(), R"({"a":1})");
  EXPECT_THAT(Refusal("\uFEFF\uFEFF1"), HasSubstr("not valid JSON: "));
  EXPECT_THAT(Refusal("\uFEFF"), HasSubstr("not valid JSON: "));
  EXPECT_THAT(Refusal("\xEF\xBB"), HasSubstr("not valid JSON: "));
}

TEST(ParseJsonTest, SaysWhatATextIsThatIsNone) {
  for (const std::u32string_view mark : {U"", U"\uFEFF"}) {
    const std::u32string text = std::u32string(mark) + U"{\"name\": \"一只狗\"}\n";
    EXPECT_THAT(Refusal(WideText(text, 2, false)),
                StartsWith("x.json: seems to be UTF-16 (little-endian"));
    EXPECT_THAT(Refusal(WideText(text, 2, true)),
                StartsWith("x.json: seems to be UTF-16 (big-endian"));
    EXPECT_THAT(Refusal(WideText(text, 4, false)),
                StartsWith("x.json: seems to be UTF-32 (little-endian"));
    EXPECT_THAT(Refusal(WideText(text, 4, true)),
                StartsWith("x.json: seems to be UTF-32 (big-endian"));
  }
  for (const Packer& packer : kPackers) {
    EXPECT_EQ(
        Refusal(packer.pack("{}")),
        "x.json: is " + packer.name + "-compressed; unpack it first with: " + packer.name + " -d");
  }
  EXPECT_THAT(Refusal("PK\x03\x04"), StartsWith("x.json: is a zip archive; "));
}

TEST(ParseJsonTest, RefusesANulByteWhereverItStands) {
  using std::string_literals::operator""s;
  EXPECT_EQ(Refusal("{}\n\0"s), "x.json: line 2, column 1: not valid JSON: a NUL byte");
  EXPECT_EQ(Refusal("{} \0 {\"a\": 1}"s), "x.json: line 1, column 4: not valid JSON: a NUL byte");
  EXPECT_EQ(Refusal("[\"a\0\"]"s), "x.json: line 1, column 4: not valid JSON: a NUL byte");
}

TEST(ParseJsonTest, RefusesANumberThatNoDoubleHolds) {
  EXPECT_EQ(Refusal("[1,\n-1e999]"), "x.json: line 2, column 1: the number -1e999 is too large");
}

TEST(ParseJsonTest, RefusesAKeyThatStandsTwice) {
  EXPECT_EQ(Refusal(R"({"a": {"b": 1, "c": 2, "b": 3}})"),
            "x.json: the key \"b\" appears twice in one object; keep one");
  EXPECT_EQ(Refusal(R"({"a": 1, "b": {"a": 2}, "a": 3})"),
            "x.json: the key \"a\" appears twice in one object; keep one");
}

TEST(ParseJsonTest, AllowsTheSameKeyInDifferentObjects) {
  EXPECT_NO_THROW(ParseJson(R"({"a": {"a": 1, "b": 4}, "b": [{"a": 2}, {"a": 3}]})", ""));
}

TEST(ParseJsonTest, NestsToTheLimitAndNoDeeper) {
  const std::string expected = "x.json: not usable: JSON nested deeper than 64 levels";
  EXPECT_EQ(Refusal(Nested(64, "[", "]")), "no error");
  EXPECT_EQ(Refusal(Nested(65, "[", "]")), expected);
  EXPECT_EQ(Refusal(Nested(64, "{\"a\":", "}")), "no error");
  EXPECT_EQ(Refusal(Nested(65, "{\"a\":", "}")), expected);
  EXPECT_EQ(Refusal(std::string(65, '[') + std::string(65, ']')), expected);
}

TEST(ParseJsonTest, AnObjectOfVeryManyKeysIsRefused) {
  std::string text = "{";
  for (int i = 0; i <= 4000; ++i) text.append(1, '"').append(std::to_string(i)).append("\":1,");
  EXPECT_EQ(Refusal(text), "x.json: not usable: an object of more than 4000 keys");
  text.resize(text.find("\"4000\"") - 1);
  EXPECT_EQ(ParseJson(text + "}", "").size(), 4000U);
}

// The library's parser with a callback takes 13 seconds, as it scans the array at each "}".
TEST(ParseJsonTest, AnArrayOfVeryManyObjectsIsReadAtOnce) {
  std::string text = "[{}";
  while (text.size() < 1'000'000) text += ",{}";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(ParseJson(text + "]", "").size(), 333'334U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(ParseJsonTest, ATextOfMoreThanAMegabyteIsRefused) {
  EXPECT_EQ(Refusal(std::string((1 << 20) + 1, ' ')),
            "x.json: not usable: 1048577 bytes of JSON, but the limit is 1048576");
}

TEST(QuoteJsonTest, CutsAtACharacterAndHoldsNoControlCharacters) {
  EXPECT_EQ(QuoteJson("a\x1B[2J"), R"("a\u001b[2J")");
  const std::string quoted = QuoteJson(std::string(78, 'x') + "\u6CE2\u6CE2");
  EXPECT_EQ(quoted, "\"" + std::string(78, 'x') + "...");
}

TEST(ParseJsonTest, AMillionBracketsAreRefusedLikeAnyOther) {
  EXPECT_EQ(Refusal(std::string(1'000'000, '[')),
            "x.json: not usable: JSON nested deeper than 64 levels");
}

}  // namespace
}  // namespace wavemt
