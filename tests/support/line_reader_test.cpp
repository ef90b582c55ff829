#include "support/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "../support/compressed.h"
#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "../support/wide_text.h"

namespace wavemt {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::vector<std::string> LinesOf(std::string_view bytes) {
  const TemporaryFolder folder;
  return ReadLines(folder.Write("text", bytes));
}

// An independent implementation of the contract: split at each "\n", then drop one "\r" before it.
std::vector<std::string> ReferenceLines(const std::string& bytes) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < bytes.size()) {
    const size_t end = bytes.find('\n', begin);
    if (end == std::string::npos) {
      lines.push_back(bytes.substr(begin));
      break;
    }
    const bool windows = end > begin && bytes[end - 1] == '\r';
    lines.push_back(bytes.substr(begin, end - begin - (windows ? 1 : 0)));
    begin = end + 1;
  }
  return lines;
}

TEST(LineReaderTest, CountsALastLineWithoutNewline) {
  EXPECT_THAT(LinesOf("one\ntwo\n"), ElementsAre("one", "two"));
  EXPECT_THAT(LinesOf("one\ntwo"), ElementsAre("one", "two"));
  EXPECT_THAT(LinesOf("\n\n"), ElementsAre("", ""));
  EXPECT_THAT(LinesOf("\n \n"), ElementsAre("", " "));
  EXPECT_THAT(LinesOf(""), IsEmpty());
}

TEST(LineReaderTest, OnlyNewlineEndsALine) {
  const std::string line = "a\0b\rc\u0085d\u2028e\u2029f\vg\fh\x1c\x1d\x1e"s;
  EXPECT_THAT(LinesOf(line + "\n" + line + "\n"), ElementsAre(line, line));
}

TEST(LineReaderTest, DropsOneCarriageReturnBeforeNewline) {
  EXPECT_THAT(LinesOf("one\r\ntwo\r\r\n\r\n"), ElementsAre("one", "two\r", ""));
  EXPECT_THAT(LinesOf("one\r\ntwo\r"), ElementsAre("one", "two\r"));
}

TEST(LineReaderTest, DropsAByteOrderMarkAtTheStartOnly) {
  EXPECT_THAT(LinesOf("\uFEFFone\n\uFEFFtwo\n"), ElementsAre("one", "\uFEFFtwo"));
  EXPECT_THAT(LinesOf("\uFEFF"), ElementsAre(""));
}

TEST(LineReaderTest, SplitsRandomTextAsTheContractSays) {
  const std::vector<std::string> pieces = {"\n",  "\r",     "\r\n",   "a",
                                           "\0"s, "\u2028", "\u0085", "字"};
  std::mt19937_64 generator(1);
  for (int trial = 0; trial < 300; ++trial) {
    std::string text = "x";
    for (uint64_t i = generator() % 30; i > 0; --i) text += pieces[generator() % pieces.size()];
    ASSERT_EQ(LinesOf(text), ReferenceLines(text)) << testing::PrintToString(text);
  }
}

// Longer than the reader's buffer, so that line ends and characters straddle its boundaries.
TEST(LineReaderTest, ReadsLinesOfAnyLength) {
  std::string text = std::string((1 << 18) - 1, 'a') + "\r\n" + std::string(700'000, 'b') + "\n";
  for (int shift = 0; shift < 3; ++shift) {
    text += std::string(static_cast<size_t>(shift), 'c');
    for (int i = 0; i < 100'000; ++i) text += "字";
    text += "\n\n";
  }
  const TemporaryFolder folder;
  EXPECT_EQ(ReadLines(folder.Write("plain", text)), ReferenceLines(text));
  EXPECT_EQ(ReadLines(folder.Write("packed.gz", Gzip(text))), ReferenceLines(text));
}

TEST(LineReaderTest, KnowsItsLineNumberAndPath) {
  const TemporaryFolder folder;
  const auto path = folder.Write("text", "one\n\nthree");
  LineReader reader(path);
  EXPECT_EQ(reader.path(), path);
  EXPECT_EQ(reader.line_number(), 0);
  std::string line;
  for (int number = 1; number <= 3; ++number) {
    ASSERT_TRUE(reader.Next(&line));
    EXPECT_EQ(reader.line_number(), number);
  }
  EXPECT_FALSE(reader.Next(&line));
  EXPECT_FALSE(reader.Next(&line));
  EXPECT_EQ(reader.line_number(), 3);
}

TEST(LineReaderTest, ReadsGzipWhateverItsName) {
  EXPECT_THAT(LinesOf(Gzip("one\r\ntwo")), ElementsAre("one", "two"));
  EXPECT_THAT(LinesOf(Gzip("")), IsEmpty());
}

TEST(LineReaderTest, ReadsGzipMembersAsOneText) {
  EXPECT_THAT(LinesOf(Gzip("one\ntw") + Gzip("") + Gzip("o\nthree\n")),
              ElementsAre("one", "two", "three"));
}

TEST(LineReaderTest, RefusesGzipCutShortAnywhere) {
  const TemporaryFolder folder;
  const std::string packed = Gzip("one\ntwo\nthree, a longer line than the others\n");
  for (size_t size = 2; size < packed.size(); ++size) {
    const std::string path = folder.Write("cut.gz", packed.substr(0, size));
    ASSERT_THAT(UsageErrorOf([&] { ReadLines(path); }), StartsWith(path + ": after line "))
        << "cut after " << size << " bytes";
  }
}

TEST(LineReaderTest, RefusesALaterGzipMemberCutShort) {
  const TemporaryFolder folder;
  const std::string packed = Gzip("one\ntwo\n") + Gzip("three\nfour\n");
  const std::string path = folder.Write("cut.gz", packed.substr(0, packed.size() - 1));
  EXPECT_THAT(UsageErrorOf([&] { ReadLines(path); }),
              HasSubstr("the compressed data is damaged or cut short ("));
}

// A flipped bit causes an error unless it is one of the few without effect; the text never changes.
TEST(LineReaderTest, GivesNoOtherTextForDamagedGzip) {
  const TemporaryFolder folder;
  const std::vector<std::string> lines = {"one", "two", "three, a longer line than the others"};
  const std::string packed = Gzip("one\ntwo\nthree, a longer line than the others\n");
  constexpr size_t kHeaderSize = 10;
  size_t refused = 0;
  for (size_t bit = kHeaderSize * 8; bit < packed.size() * 8; ++bit) {
    std::string damaged = packed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const std::string path = folder.Write("damaged.gz", damaged);
    std::vector<std::string> read;
    const std::string message = UsageErrorOf([&] { read = ReadLines(path); });
    if (message == "no error") {
      ASSERT_EQ(read, lines) << "bit " << bit;
    } else {
      ASSERT_THAT(message, StartsWith(path + ": ")) << "bit " << bit;
      ++refused;
    }
  }
  EXPECT_GT(refused, (packed.size() - kHeaderSize) * 8 - 8);
}

TEST(LineReaderTest, NamesLineAndByteOfInvalidUtf8) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("text", "fine\n字\xFF!\n");
  EXPECT_EQ(UsageErrorOf([&] { ReadLines(path); }),
            path + ": line 2: invalid UTF-8 at byte 4 of the line");
  const std::string packed = folder.Write("text.gz", Gzip("\xC0\x80"));
  EXPECT_EQ(UsageErrorOf([&] { ReadLines(packed); }),
            packed + ": line 1: invalid UTF-8 at byte 1 of the line");
}

TEST(LineReaderTest, RefusesUtf16AndUtf32ByNameWhateverIsToBeDoneWithInvalidUtf8) {
  const TemporaryFolder folder;
  const std::u32string chinese = U"一只狗在草地上奔跑。\n两个人在街上走。\n";
  for (const std::u32string& text : {U"one\ntwo\n"s, chinese, U"one"s}) {
    for (const bool big : {false, true}) {
      for (const int width : {2, 4}) {
        const std::string name = width == 2 ? "UTF-16" : "UTF-32";
        const std::string code = name + (big ? "BE" : "LE");
        const std::string order = big ? "big-endian" : "little-endian";
        const std::string path = folder.Write("x.en", WideText(text, width, big));
        const std::string refusal = path + ": seems to be " + name + " (" + order +
                                    ", without a byte order mark); make it UTF-8, for example "
                                    "by: iconv -f " +
                                    code + " -t UTF-8 " + path + " > " +
                                    (folder.path() / "x.utf8.en").string();
        EXPECT_EQ(UsageErrorOf([&] { ReadLines(path); }), refusal);
        EXPECT_EQ(UsageErrorOf([&] {
                    std::string line;
                    LineReader(path, InvalidUtf8::kReplace).Next(&line);
                  }),
                  refusal);
        folder.Write("x.en", WideText(U"\uFEFF" + text, width, big));
        EXPECT_EQ(UsageErrorOf([&] { ReadLines(path); }),
                  path + ": seems to be " + name + " (" + order +
                      "); make it UTF-8, for example by: iconv -f " + name + " -t UTF-8 " + path +
                      " > " + (folder.path() / "x.utf8.en").string());
      }
    }
  }
}

TEST(LineReaderTest, TakesTextWithNulsInItForText) {
  EXPECT_THAT(LinesOf("a\0b\n\0\nc\0\0\n"s), ElementsAre("a\0b"s, "\0"s, "c\0\0"s));
  EXPECT_THAT(LinesOf("\0\0\0\0\n"s), ElementsAre("\0\0\0\0"s));
}

TEST(LineReaderTest, NamesWhatIsNoText) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("train.en", "PK\x03\x04 and so on");
  EXPECT_EQ(UsageErrorOf([&] { ReadLines(path); }),
            path + ": is a zip archive; unpack it and name the file in it");
  for (const Packer& packer : kPackers) {
    const std::string packed = folder.Write("train", packer.pack("PK\x03\x04"));
    EXPECT_EQ(
        UsageErrorOf([&] { ReadLines(packed); }),
        packed + ": its compressed content is a zip archive; unpack it and name the file in it");
    folder.Write("train", packer.pack(packer.pack("text")));
    EXPECT_EQ(UsageErrorOf([&] { ReadLines(packed); }),
              packed + ": its compressed content is " + packer.name +
                  "-compressed; unpack it first with: " + packer.name + " -d");
    folder.Write("train", packer.pack(WideText(U"one\ntwo\n", 2, false)));
    EXPECT_EQ(UsageErrorOf([&] { ReadLines(packed); }),
              packed +
                  ": its compressed content seems to be UTF-16 (little-endian, without a byte "
                  "order mark); make it UTF-8, for example by: iconv -f UTF-16LE -t UTF-8");
  }
}

TEST(LineReaderTest, ReplacesInvalidUtf8WhereAskedToAndCountsTheLines) {
  const TemporaryFolder folder;
  LineReader reader(folder.Write("text", "fine\n\xC0\x80!\r\n\n\xED\xA0\x80 a\xFF\nfine\n"),
                    InvalidUtf8::kReplace);
  std::vector<std::string> lines;
  for (std::string line; reader.Next(&line);) lines.push_back(line);
  EXPECT_THAT(lines,
              ElementsAre("fine", "\uFFFD\uFFFD!", "", "\uFFFD\uFFFD\uFFFD a\uFFFD", "fine"));
  EXPECT_EQ(reader.lines_replaced(), 2);
}

// 100 kB on disk could need any amount of memory.
TEST(LineReaderTest, RefusesALineThatIsNoText) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("bomb.gz", Gzip("one\n" + std::string(9 << 20, '\0')));
  EXPECT_EQ(UsageErrorOf([&] { ReadLines(path); }),
            path + ": line 2: is longer than 8 MiB; is this text with one sentence per line?");
}

TEST(LineReaderTest, NamesAMissingFileAndADirectory) {
  const TemporaryFolder folder;
  const std::string missing = folder.path() / "missing";
  const std::string directory = folder.path();
  EXPECT_EQ(UsageErrorOf([&] { LineReader reader(missing); }), missing + ": no such file");
  EXPECT_EQ(UsageErrorOf([&] { LineReader reader(directory); }),
            directory + ": is a directory, a file is needed");
}

}  // namespace
}  // namespace wavemt
