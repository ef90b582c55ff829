#include "data/cleaning/bad_encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace wavemt {
namespace {

TEST(BadEncodingTest, FindsCharactersThatNoTextHas) {
  for (const std::string text :
       {"a\xFF", "\xC3", "a\uFFFDb", "\x01", "a\rb", "a\x7F", "a\u0085", "\u0080", "\u009F"}) {
    EXPECT_TRUE(HasBadEncoding(text)) << text;
  }
  EXPECT_TRUE(HasBadEncoding(std::string(1, '\0')));
  for (const std::string text : {"", "a\tb", "a\u00A0b", "a\u2028b", "\u200B", "a~"}) {
    EXPECT_FALSE(HasBadEncoding(text)) << text;
  }
}

TEST(BadEncodingTest, FindsUtf8ThatWasReadAsLatin1OrWindows1252) {
  for (const std::string text : {"Ã¤hnlich",
                                 "schÃ¶n",
                                 "caffÃ¨",
                                 "dÃ©jÃ\u00A0",
                                 "voilÃ\u00A0 tout",
                                 "aquÃ\u00AD",
                                 "Ã‰tat",
                                 "GrÃ¼ÃŸe",
                                 "Ã–sterreich",
                                 "Ã„hnlich",
                                 "donâ€™t",
                                 "â€œquotedâ€\u009D",
                                 "â€œlost laterâ€ ",
                                 "10 â‚¬",
                                 "Sonyâ„¢",
                                 "20 Â°C",
                                 "Â© 2020",
                                 "prix :Â\u00A0",
                                 "isÂ\u00A0not",
                                 "Ã\u00A0 jour",
                                 "Â« oui",
                                 "vÅ¡e",
                                 "Ð¿Ñ€Ð¸",
                                 "ä¸­æ–‡",
                                 "Tiáº¿ng",
                                 "Viá»‡t",
                                 "ðŸ˜€",
                                 "ï»¿first",
                                 "badï¿½",
                                 "ÎµÎ»",
                                 "LÃ³pez",
                                 "Ãªtre",
                                 "1Âº"}) {
    EXPECT_TRUE(HasBadEncoding(text)) << text;
  }
}

TEST(BadEncodingTest, RaisesNoFalseAlarm) {
  for (const std::string text : {"Das macht „Spaß“.",
                                 "Spaß…",
                                 "Straße – groß",
                                 "groß\u00ADartig",
                                 "voilà\u00A0»",
                                 "café…»",
                                 "« là »",
                                 "CAFÉ\u00A0!",
                                 "NESCAFÉ®",
                                 "VÝŠKA",
                                 "PŘÍŽE",
                                 "ÚŽAS",
                                 "NÃO SÃO “AMANHÔ",
                                 "MANHÅ",
                                 "MANHÃ – TARDE",
                                 "MANHÃ\u00A0:",
                                 "LÂ\u00A0:",
                                 "ÂGE",
                                 "TIẾNG VIỆT",
                                 "ĐÔ",
                                 "Đã đến lúc",
                                 "«está»",
                                 "És. Ñandú, ÑOÑO",
                                 "Åland, Ærø",
                                 "ß²",
                                 "però…»”",
                                 "20 °C",
                                 "10 €, 5 £, ½",
                                 "Ελληνικά",
                                 "русский язык",
                                 "中文，日本語",
                                 "naïve",
                                 "TÜRKÇE İÇİN",
                                 "bientôt…",
                                 "IRMÃ®",
                                 "IRMÃ® é",
                                 "MANHÃ¹, LÂ³",
                                 "Â, Ã, Ê"}) {
    EXPECT_FALSE(HasBadEncoding(text)) << text;
  }
}

}  // namespace
}  // namespace wavemt
