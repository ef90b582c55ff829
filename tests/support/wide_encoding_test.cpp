#include "support/wide_encoding.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "../support/hostile_text.h"
#include "../support/wide_text.h"

namespace wavemt {
namespace {

using namespace std::string_literals;

// "UTF-16LE", "UTF-16LE marked", or "" for text that may be UTF-8.
std::string Found(std::string_view bytes) {
  const auto found = FindWideEncoding(bytes);
  if (!found) return "";
  return std::string(found->name) + (found->order == "little-endian" ? "LE" : "BE") +
         (found->has_mark ? " marked" : "");
}

struct Wide {
  std::string name;
  int bytes;
  bool big;
};
const Wide kWide[] = {
    {"UTF-16LE", 2, false}, {"UTF-16BE", 2, true}, {"UTF-32LE", 4, false}, {"UTF-32BE", 4, true}};

const std::u32string kTexts[] = {
    U"one\n",
    U"A dog runs.\r\nTwo dogs run.\r\n",
    U"Ein Hund läuft über die Straße.\n",
    U"Привет мир, как дела?\nХорошо, спасибо.\n",
    U"Γειά σου Κόσμε.\n",
    U"שלום עולם, מה שלומך?\n",
    U"مرحبا بالعالم، كيف حالك؟\n",
    U"नमस्ते दुनिया, आप कैसे हैं?\n",
    U"สวัสดี ชาวโลก\n",
    U"一只狗在草地上奔跑。\n两个人在下雨的街上走。\n不知道上面写了什么。\n",
    U"犬が草原を走っています。\n雨の中を歩く人。\n",
    U"개가 풀밭을 달린다.\n비 오는 거리를 걷는다.\n",
    U"🌊🐕🌊 波 wave\n",
};

TEST(FindWideEncodingTest, KnowsTextOfAnyScriptWithAMarkAndWithout) {
  for (const std::u32string& text : kTexts) {
    for (const Wide& wide : kWide) {
      const std::string bytes = WideText(text, wide.bytes, wide.big);
      EXPECT_EQ(Found(bytes), wide.name) << testing::PrintToString(bytes);
      EXPECT_EQ(Found(WideText(U"\uFEFF" + text, wide.bytes, wide.big)), wide.name + " marked");
    }
  }
}

// The beginning may end anywhere, even in the middle of a character.
TEST(FindWideEncodingTest, NeverTakesOneForAnother) {
  for (const std::u32string& text : kTexts) {
    for (const Wide& wide : kWide) {
      const std::string bytes = WideText(text + text, wide.bytes, wide.big);
      for (size_t size = 0; size <= bytes.size(); ++size) {
        const std::string found = Found(std::string_view(bytes).substr(0, size));
        EXPECT_TRUE(found.empty() || found == wide.name)
            << found << " for " << wide.name << ": " << testing::PrintToString(bytes) << " "
            << size;
        EXPECT_FALSE(found.empty() && size == bytes.size());
      }
    }
  }
}

TEST(FindWideEncodingTest, TakesUtf8ForItselfWithNulsInIt) {
  std::string article = "A dog runs over the grass.\nПривет мир.\n一只狗在草地上奔跑。\n";
  EXPECT_EQ(Found(article), "");
  for (size_t i = 0; i <= article.size(); ++i) {
    std::string text = article;
    text.insert(i, 1, '\0');
    EXPECT_EQ(Found(text), "") << i;
    // Adding invalid bytes does not change the result.
    text.insert(i, "\n\0 \0\xFF\xC0"s);
    EXPECT_EQ(Found(text), "") << i;
  }
  for (const std::string& text :
       {"a\0b"s, "\0"s, "\0\0\0\0\0\0\0\0\n"s, "a\0\0\0\n"s, "\n\0\n\0\n\0"s,
        std::string(4096, '\0'), std::string(4096, '\n'), "a\0b\0 and so on, a line of words\n"s,
        "1\t2\t3\t4\n"s, "one\0two\0three\0four\0"s, "\0one\n\0two\n\0three\n"s, ""s}) {
    EXPECT_EQ(Found(text), "") << testing::PrintToString(text);
  }
}

TEST(FindWideEncodingTest, TakesHostileUtf8ForItself) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    HostileText hostile(seed);
    std::string text = "First line\n";
    while (text.size() < 4096) text += hostile.Line() + "\n";
    ASSERT_EQ(Found(std::string_view(text).substr(0, 4096)), "") << seed;
    // One byte in twenty lines.
    for (int i = 0; i < 5; ++i) text.insert(hostile.Draw(4000), hostile.IllFormed());
    ASSERT_EQ(Found(std::string_view(text).substr(0, 4096)), "") << seed;
  }
}

TEST(FindWideEncodingTest, TakesNoiseForNothing) {
  std::mt19937_64 generator(1);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string noise(1024, '\0');
    for (char& c : noise) c = static_cast<char>(generator());
    if (noise.starts_with("\xFF\xFE") || noise.starts_with("\xFE\xFF")) continue;
    ASSERT_EQ(Found(noise), "") << trial;
  }
}

}  // namespace
}  // namespace wavemt
