#include "support/file_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "../support/compressed.h"
#include "../support/wide_text.h"

namespace wavemt {
namespace {

using namespace std::string_literals;
using testing::EndsWith;
using testing::StartsWith;

std::string Kind(std::string_view beginning, const std::string& file = "x.en") {
  return FindOtherKind(beginning, file).value_or("");
}

TEST(FindOtherKindTest, NamesFilesThatAreNoText) {
  EXPECT_EQ(Kind("PK\x03\x04..."), "is a zip archive; unpack it and name the file in it");
  EXPECT_THAT(Kind("7z\xBC\xAF\x27\x1C..."), StartsWith("is a 7z archive; "));
  EXPECT_THAT(Kind("Rar!\x1A\x07\x01"), StartsWith("is a rar archive; "));
  EXPECT_THAT(Kind("\x04\x22\x4D\x18..."), StartsWith("is lz4-compressed; "));
  EXPECT_THAT(Kind("\x1F\x9D\x90..."), StartsWith("is compressed by Unix compress; "));
  EXPECT_THAT(Kind("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1..."), StartsWith("is an old Word "));
  EXPECT_THAT(Kind("%PDF-1.7\n"), StartsWith("is a PDF document; "));
  EXPECT_THAT(Kind("PAR1\x15..."), StartsWith("is a Parquet table; "));
  EXPECT_THAT(Kind("SQLite format 3\0..."s), StartsWith("is an SQLite database; "));
  EXPECT_THAT(Kind("\x40\0\0\0\0\0\0\0{\"a\""s), StartsWith("is a safetensors file, "));
  const std::string name = "train.en" + std::string(249, '\0');
  EXPECT_THAT(Kind(name + "ustar\00000"s), StartsWith("is a tar archive; "));
  EXPECT_THAT(Kind(name + "ustar  \0"s), StartsWith("is a tar archive; "));
  for (const Packer& packer : kPackers) {
    EXPECT_EQ(Kind(packer.pack("text")),
              "is " + packer.name + "-compressed; unpack it first with: " + packer.name + " -d");
  }
}

TEST(FindOtherKindTest, TakesTextForText) {
  for (const std::string& text :
       {""s, "P"s, "PK\n"s, "PK is short for something.\n"s, "7z, rar, PDF and ustar\n"s,
        "%PDF is how one begins\n"s, "PAR1\n"s, "Rar!\n"s, "BZh9\n"s, "SQLite format 3\n"s,
        "{\"a\": 1}"s, "x" + std::string(256, 'y') + "ustar is a format\n"}) {
    EXPECT_EQ(Kind(text), "") << testing::PrintToString(text);
  }
}

TEST(FindOtherKindTest, GivesACommandThatCanBeCopied) {
  const std::string utf16 = WideText(U"one\ntwo\n", 2, false);
  const std::string convert = "by: iconv -f UTF-16LE -t UTF-8";
  EXPECT_THAT(Kind(utf16), EndsWith(convert + " x.en > x.utf8.en"));
  EXPECT_THAT(Kind(utf16, "a/b/x"), EndsWith(convert + " a/b/x > a/b/x.utf8"));
  EXPECT_THAT(Kind(utf16, "it's here.en"),
              EndsWith(convert + R"( 'it'\''s here.en' > 'it'\''s here.utf8.en')"));
  EXPECT_THAT(Kind(utf16, "-x.en"), EndsWith(convert + " './-x.en' > './-x.utf8.en'"));
  EXPECT_THAT(Kind(utf16, ""), EndsWith(convert));
}

}  // namespace
}  // namespace wavemt
