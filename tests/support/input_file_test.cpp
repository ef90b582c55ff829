#include "support/input_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <string_view>

#include "../support/gzip.h"
#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "support/line_reader.h"

namespace wavemt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kDamaged = "the compressed data is damaged or cut short (";

// The bytes of a file, `at_once` a call.
std::string Contents(const fs::path& path, size_t at_once = 1 << 16) {
  InputFile file(path);
  std::string contents;
  std::string piece(at_once, '\0');
  while (const size_t count = file.Read(piece.data(), piece.size(), 0)) {
    contents.append(piece, 0, count);
  }
  EXPECT_EQ(file.Read(piece.data(), piece.size(), 0), 0U) << "more behind the end";
  return contents;
}

std::string ReadAll(const fs::path& path) {
  return UsageErrorOf([&] { Contents(path); });
}

TEST(InputFileTest, GivesTheSameBytesWhateverIsAskedForAtOnce) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += std::to_string(i * i);
  const auto plain = folder.Write("plain", text);
  // Nulls pack so well that much output is held back where little is asked for.
  const std::string nulls(100'000, '\0');
  const auto packed = folder.Write("packed", Gzip(text) + Gzip("") + Gzip(nulls) + Gzip("end"));
  for (const size_t at_once : {1U, 7U, 4096U, 1U << 20}) {
    EXPECT_EQ(Contents(plain, at_once), text) << at_once;
    EXPECT_EQ(Contents(packed, at_once), text + nulls + "end") << at_once;
  }
}

TEST(InputFileTest, KnowsGzipByItsBytesNotByItsName) {
  const TemporaryFolder folder;
  EXPECT_EQ(Contents(folder.Write("plain.gz", "plain text")), "plain text");
  EXPECT_EQ(Contents(folder.Write("a.gz", "a")), "a");
  EXPECT_EQ(Contents(folder.Write("packed.txt", Gzip("text"))), "text");
  EXPECT_EQ(Contents(folder.Write("empty", "")), "");
  EXPECT_EQ(Contents(folder.Write("separator", "\x1F")), "\x1F");
}

// All that a full disk leaves of a packed file.
TEST(InputFileTest, RefusesAGzipFileOfWhichNothingIsLeft) {
  const TemporaryFolder folder;
  for (const std::string_view rest : {"", "\x1F"}) {
    const auto path = folder.Write("cut.gz", rest);
    EXPECT_THAT(ReadAll(path), StartsWith(path.string() + ": " + std::string(kDamaged)));
  }
}

// zlib's own gzread() takes such files and says nothing.
TEST(InputFileTest, RefusesWhatFollowsTheEndOfGzip) {
  const TemporaryFolder folder;
  const std::string member = Gzip("one\ntwo\n");
  std::string second_damaged = member + member;
  second_damaged[member.size()] ^= 1;
  std::string second_zeroed = member + member;
  second_zeroed.replace(member.size(), member.size(), member.size(), '\0');
  for (const std::string& bytes :
       {member + "garbage", member + "\x1F", member + "\n", member + std::string(512, '\0'),
        member + "\x1F\x8A", second_damaged, second_zeroed}) {
    const auto path = folder.Write("tail.gz", bytes);
    EXPECT_THAT(ReadAll(path), StartsWith(path.string() + ": after line 0: "));
    EXPECT_THAT(UsageErrorOf([&] { ReadLines(path); }), StartsWith(path.string() + ": after line "))
        << testing::PrintToString(bytes);
  }
}

// A file of which nobody has written for a day, so that its time tells of the next writer.
class ChangingFileTest : public testing::Test {
 protected:
  ChangingFileTest() { MakeOld(); }

  void MakeOld() const {
    fs::last_write_time(path_, fs::file_time_type::clock::now() - std::chrono::hours(24));
  }

  // What becomes of a reader that has had the first line when `change` happens.
  template <typename Change>
  std::string MessageAfter(Change change) const {
    return UsageErrorOf([&] {
      LineReader reader(path_);
      std::string line;
      EXPECT_TRUE(reader.Next(&line));
      change();
      while (reader.Next(&line)) {
      }
    });
  }

  void Append() const { std::ofstream(path_, std::ios::app) << "more\n"; }
  void Overwrite() const {
    std::fstream file(path_, std::ios::in | std::ios::out);
    file.seekp(-2, std::ios::end) << "y\n";
  }

  const TemporaryFolder folder_;
  // Longer than what is read at once, so that the second half comes after the change.
  const fs::path path_ = folder_.Write("text", [] {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + " x\n";
    return text;
  }());
};

TEST_F(ChangingFileTest, RefusesAFileThatChangesWhileItIsRead) {
  const auto is_refused = testing::AllOf(
      StartsWith(path_.string() + ": after line "),
      HasSubstr(": the file was changed while it was read; start again once nothing writes to it"));
  EXPECT_EQ(MessageAfter([] {}), "no error");
  EXPECT_THAT(MessageAfter([&] { Append(); }), is_refused);
  MakeOld();
  EXPECT_THAT(MessageAfter([&] { Overwrite(); }), is_refused);
  MakeOld();
  EXPECT_THAT(MessageAfter([&] { fs::resize_file(path_, fs::file_size(path_) - 6); }), is_refused);
  MakeOld();
  EXPECT_THAT(MessageAfter([&] { fs::resize_file(path_, 0); }), is_refused);
}

// So short that all of it is read before the change: what was given may be the old text's
// beginning.
TEST_F(ChangingFileTest, RefusesAShortFileAsWell) {
  folder_.Write("text", "one\ntwo\nthree\n");
  MakeOld();
  EXPECT_THAT(MessageAfter([&] { Append(); }), HasSubstr(": after line 3: the file was changed"));
}

TEST_F(ChangingFileTest, RefusesAFileThatIsReplacedButNotOneThatIsOnlyRemoved) {
  folder_.Write("new", "something else\n");
  EXPECT_THAT(MessageAfter([&] { fs::rename(folder_.path() / "new", path_); }),
              HasSubstr("the file was changed while it was read"));
  EXPECT_EQ(MessageAfter([&] { fs::remove(path_); }), "no error");
}

TEST_F(ChangingFileTest, RefusesAPackedFileThatGrows) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i * 7919 % 999'983) + "\n";
  folder_.Write("text", Gzip(text));
  MakeOld();
  EXPECT_THAT(MessageAfter([&] { std::ofstream(path_, std::ios::app) << Gzip("more\n"); }),
              HasSubstr("the file was changed while it was read"));
}

// Both ends of a pipe in one hand: what is not written yet, is not there.
class PipeTest : public testing::Test {
 protected:
  PipeTest() {
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    descriptor_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  }
  ~PipeTest() override { CloseWriter(); }

  void Write(std::string_view bytes) const {
    EXPECT_EQ(write(descriptor_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void CloseWriter() {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = -1;
  }

  const TemporaryFolder folder_;
  const fs::path path_ = folder_.path() / "pipe";
  int descriptor_ = -1;
};

TEST_F(PipeTest, AReaderIsReadyOnceAWholeLineIsThere) {
  LineReader reader(path_);
  std::string line;
  EXPECT_FALSE(reader.IsReady());
  Write("one\ntwo\nthr");
  EXPECT_TRUE(reader.IsReady());
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "one");
  EXPECT_TRUE(reader.IsReady());
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_FALSE(reader.IsReady()) << "half a line is no line";
  Write("ee\n");
  EXPECT_TRUE(reader.IsReady());
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "three");
  Write("four");
  EXPECT_FALSE(reader.IsReady());
  CloseWriter();
  EXPECT_TRUE(reader.IsReady());
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "four");
  EXPECT_TRUE(reader.IsReady());
  EXPECT_FALSE(reader.Next(&line));
}

TEST_F(PipeTest, APipeMayHoldGzip) {
  LineReader reader(path_);
  Write(Gzip("one\ntwo\n"));
  std::string line;
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "one");
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_FALSE(reader.IsReady());
  Write(Gzip("three"));
  CloseWriter();
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "three");
  EXPECT_FALSE(reader.Next(&line));
}

}  // namespace
}  // namespace wavemt
