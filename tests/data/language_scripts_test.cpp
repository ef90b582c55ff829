#include "data/cleaning/language_scripts.h"

#include <gtest/gtest.h>

#include <string>

namespace wavemt {
namespace {

TEST(LanguageScriptsTest, KnowsTheScriptsOfLanguages) {
  struct Case {
    std::string language;
    std::string text;
    double share;
  };
  for (const auto& [language, text, share] :
       {Case{"en", "A cat", 1},          Case{"en", "кот", 0},
        Case{"en", "ab кот", 0.4},       Case{"ru", "кот", 1},
        Case{"zh", "中文ㄅ", 1},         Case{"zh-CN", "中文ab", 0.5},
        Case{"ja", "ひらカタ漢字", 1},   Case{"ko", "한국 韓國", 1},
        Case{"ja", "한국", 0},           Case{"zho_Hans", "中文", 1},
        Case{"sr", "мачка mačka", 1},    Case{"sr-Latn", "мачка", 0},
        Case{"el", "γάτα", 1},           Case{"yi", "קאַץ", 1},
        Case{"crh", "mışıq", 1},         Case{"de", "Größe", 1},
        Case{"sr-RS", "мачка mačka", 1}, Case{"sr_RS", "mačka", 1},
        Case{"srp", "mačka", 1},         Case{"srp_Cyrl", "mačka", 0},
        Case{"uzb", "мушук", 1},         Case{"zh-TW", "中文ㄅ", 1}}) {
    const LanguageScripts scripts(language);
    ASSERT_TRUE(scripts.known()) << language;
    EXPECT_DOUBLE_EQ(scripts.ShareOf(text), share) << language << " " << text;
  }
}

TEST(LanguageScriptsTest, CountsOnlyLettersOfSomeScript) {
  const LanguageScripts english("en");
  EXPECT_DOUBLE_EQ(english.ShareOf(""), 1);
  EXPECT_DOUBLE_EQ(english.ShareOf("123, 45! ー"), 1);  // The long vowel mark is of no script.
  EXPECT_DOUBLE_EQ(english.ShareOf("a 中 1234567"), 0.5);
}

TEST(LanguageScriptsTest, DoesNotKnowWhatIsNoLanguage) {
  for (const std::string language : {"", "tsv", "txt", "train", "latin", "1", "-"}) {
    EXPECT_FALSE(LanguageScripts(language).known()) << language;
  }
}

}  // namespace
}  // namespace wavemt
