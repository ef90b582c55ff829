#include "support/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"

namespace wavemt {
namespace {

using testing::HasSubstr;

std::string TextOf(std::span<const char> bytes) { return {bytes.begin(), bytes.end()}; }

TEST(MappedFileTest, ShowsTheFile) {
  const TemporaryFolder folder;
  const MappedFile file(folder.Write("a", "some text"));
  EXPECT_EQ(TextOf(file.bytes()), "some text");
  file.Release();
  EXPECT_EQ(TextOf(file.bytes()), "some text");
  std::string bytes(4, ' ');
  file.Read(5, bytes);
  EXPECT_EQ(bytes, "text");
  EXPECT_EQ(MappedFile(folder.Write("b", "")).bytes().size(), 0);
}

TEST(MappedFileTest, ErrorsNameTheFile) {
  const TemporaryFolder folder;
  const std::string none = folder.path() / "none";
  EXPECT_EQ(FailureOf([&] { MappedFile file(none); }),
            none + ": cannot be read: No such file or directory");
  EXPECT_EQ(FailureOf([&] { MappedFile file(folder.path()); }),
            folder.path().string() + ": is not a file");
  const auto path = folder.Write("a", "some text");
  const MappedFile file(path);
  ASSERT_EQ(truncate(path.c_str(), 3), 0);
  std::string bytes(4, ' ');
  EXPECT_THAT(FailureOf([&] { file.Read(1, bytes); }), HasSubstr("was truncated"));
}

TEST(MappedFileTest, KeepsTheFileThatItOpened) {
  const TemporaryFolder folder;
  const MappedFile file(folder.Write("a", "some text"));
  std::filesystem::rename(folder.Write("b", "other"), folder.path() / "a");
  EXPECT_EQ(TextOf(file.bytes()), "some text");
}

TEST(MappedFileDeathTest, AFileCutShortEndsTheProcessWithASentence) {
  const TemporaryFolder folder;
  const auto path = folder.Write("a", std::string(100'000, 'x'));
  const auto other = folder.Write("b", std::string(100'000, 'y'));
  const auto read_last = [&](const MappedFile& file) {
    if (truncate(path.c_str(), 10) != 0) _exit(3);
    volatile const char* last = &file.bytes().back();
    _exit(*last == 'x' ? 0 : 2);
  };
  const MappedFile before(other);
  EXPECT_EXIT(
      {
        const MappedFile file(path);
        read_last(file);
      },
      testing::ExitedWithCode(1),
      "error: .*/a: can no longer be read: the disk failed, or another program truncated "
      "the file");
}

TEST(MappedFileDeathTest, OtherBusErrorsStayWhatTheyAre) {
  const TemporaryFolder folder;
  const MappedFile file(folder.Write("a", "some text"));
  EXPECT_DEATH(raise(SIGBUS), "");
}

// More files than there are guards.
TEST(MappedFileTest, TakesAnyNumberOfFiles) {
  const TemporaryFolder folder;
  std::vector<std::unique_ptr<MappedFile>> files;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) {
      const std::string text = "text " + std::to_string(i);
      files.push_back(std::make_unique<MappedFile>(folder.Write(std::to_string(i), text)));
      EXPECT_EQ(TextOf(files.back()->bytes()), text);
    }
    files.clear();
  }
}

}  // namespace
}  // namespace wavemt
