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

#include "../support/compressed.h"
#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "support/line_reader.h"

namespace wavemt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

// A file last modified a day ago, so that any write changes its modification time.
class ChangingFileTest : public testing::Test {
 protected:
  ChangingFileTest() { MakeOld(); }

  void MakeOld() const {
    fs::last_write_time(path_, fs::file_time_type::clock::now() - std::chrono::hours(24));
  }

  // What happens to a reader that has returned the first line when `change` is made.
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
  // Longer than a single read, so that the second half is read after the change.
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

// The file is read completely before the change, so the lines returned may be those of the old
// text.
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

// The test holds both ends of the pipe, so it controls exactly what is available.
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

// Answering the available lines must not wait for more bytes that would help tell the file's kind.
TEST_F(PipeTest, AReaderWaitsForNoMoreThanALine) {
  LineReader reader(path_);
  std::string line;
  Write("P");
  EXPECT_FALSE(reader.IsReady());
  Write("K\n");
  EXPECT_TRUE(reader.IsReady());
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "PK");
  Write("\x1F");
  EXPECT_FALSE(reader.IsReady());
  Write("\n");
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "\x1F");
}

TEST_F(PipeTest, AReaderIsNotReadyWhileTheFirstByteMayBeACompressedFiles) {
  LineReader reader(path_);
  std::string line;
  for (const std::string_view piece : {"B", "Z", "h", "9"}) {
    Write(piece);
    EXPECT_FALSE(reader.IsReady());
  }
  Write("\n");
  EXPECT_TRUE(reader.IsReady());
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "BZh9");
  Write("B");
  CloseWriter();
  EXPECT_TRUE(reader.IsReady());
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "B");
}

TEST_F(PipeTest, APipeMayEndAfterTheFirstByte) {
  LineReader reader(path_);
  std::string line;
  Write("B");
  EXPECT_FALSE(reader.IsReady());
  CloseWriter();
  EXPECT_TRUE(reader.IsReady());
  ASSERT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "B");
  EXPECT_TRUE(reader.IsReady());
  EXPECT_FALSE(reader.Next(&line));
}

TEST_F(PipeTest, APipeMayHoldCompressedText) {
  for (const Packer& packer : kPackers) {
    if (descriptor_ < 0) descriptor_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    LineReader reader(path_);
    Write(packer.pack("one\ntwo\n"));
    std::string line;
    ASSERT_TRUE(reader.Next(&line));
    EXPECT_EQ(line, "one");
    ASSERT_TRUE(reader.Next(&line));
    EXPECT_FALSE(reader.IsReady());
    Write(packer.pack("three"));
    CloseWriter();
    ASSERT_TRUE(reader.Next(&line));
    EXPECT_EQ(line, "three");
    EXPECT_FALSE(reader.Next(&line));
  }
}

// A few compressed bytes hold much text; all of it must be available without further input.
TEST_F(PipeTest, WhatIsHeldBackForWantOfRoomComesWithoutAnotherByte) {
  for (const Packer& packer : kPackers) {
    if (descriptor_ < 0) descriptor_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    InputFile file(path_);
    // Without the last byte, so that the end of the member cannot be read.
    std::string packed = packer.pack(std::string(50'000, 'x'));
    const char last = packed.back();
    packed.pop_back();
    Write(packed);
    std::string room(100, '\0');
    for (int i = 0; i < 500; ++i) ASSERT_EQ(file.Read(room.data(), room.size(), 0), 100U);
    Write(std::string(1, last));
    CloseWriter();
    EXPECT_EQ(file.Read(room.data(), room.size(), 0), 0U) << packer.name;
  }
}

}  // namespace
}  // namespace wavemt
